import type { MeshLimits } from '../mesh-limits.ts';
import type { Standing } from '../mesh.ts';

/** What one source says of an address. Both kinds of claims about addresses say it alike. */
export interface StandingClaim {
  /** Distinguishes the sources of one delta. */
  readonly source: number;
  readonly score: number;
  /** In ms since 1970. */
  readonly madeAtMs: number;
  /** In ms since 1970. */
  readonly endsAtMs: number;
}

/** All that is said of an address now, in place of what was said before. Can be sent between threads. */
export interface StandingDelta {
  /** As canonicalAddress writes it. */
  readonly address: string;
  /** The claims of a source follow one another. Empty when nothing is said any more. */
  readonly claims: readonly StandingClaim[];
}

/**
 * Below it a source no longer counts as one that says so. Full scores get there in a bit over four half-lives: a quorum
 * is of sources that mean it today, not of the remains of what they said an hour ago.
 */
const SOURCE_COUNTS_FROM = 0.05;
/** Entries looked over for expiry at each tick: 100,000 take some minutes, a tick a fraction of a ms. */
const SWEPT_PER_TICK = 512;
/** Ticks are counted in 30 bits: at one a second it takes 34 years until one comes again. */
const TICK_MASK = 0x3fff_ffff;

/** What is known of one address. All have one shape, so that reading one stays cheap. */
class Entry {
  claims: readonly StandingClaim[];
  standing: Standing | undefined = undefined;
  /** At which `standing` was worked out: a small integer, cheaper to compare than a time. */
  tick: number;

  constructor(claims: readonly StandingClaim[], tick: number) {
    this.claims = claims;
    this.tick = tick;
  }
}

/**
 * The scores of addresses, for the thread that serves requests. It reads no clock: {@link tick} tells it the time, about once
 * a second, and a standing is worked out anew on the first lookup after a tick. As large as the table it follows.
 */
export class Standings {
  readonly #entries = new Map<string, Entry>();
  readonly #halfLifeMs: number;
  #nowMs: number;
  #tick = 0;
  #swept: MapIterator<[string, Entry]> | undefined;

  /** `nowMs` is in ms since 1970. */
  constructor(limits: Pick<MeshLimits, 'halfLifeMs'>, nowMs: number) {
    this.#halfLifeMs = limits.halfLifeMs;
    this.#nowMs = nowMs;
  }

  /** Addresses something is known of. */
  get size(): number {
    return this.#entries.size;
  }

  /** Takes over what changed. */
  apply(deltas: readonly StandingDelta[]): void {
    for (const { address, claims } of deltas) {
      let entry = this.#entries.get(address);
      if (entry === undefined) this.#entries.set(address, (entry = new Entry(claims, this.#tick)));
      entry.claims = claims;
      this.#renew(address, entry);
    }
  }

  /** Tells the time, in ms since 1970. Also drops some of the addresses nothing holds of any more. */
  tick(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#tick = (this.#tick + 1) & TICK_MASK;
    const swept = (this.#swept ??= this.#entries.entries());
    for (let i = 0; i < SWEPT_PER_TICK; i += 1) {
      const next = swept.next();
      if (next.done === true) {
        this.#swept = undefined;
        return;
      }
      this.#renew(next.value[0], next.value[1]);
    }
  }

  /** What is known of an address in its canonical form, as of the last tick. Nothing is made on the way to a hit. */
  lookup(address: string): Standing | undefined {
    if (this.#entries.size === 0) return undefined;
    const entry = this.#entries.get(address);
    if (entry === undefined) return undefined;
    if (entry.tick !== this.#tick) this.#renew(address, entry);
    return entry.standing;
  }

  #renew(address: string, entry: Entry): void {
    entry.standing = this.#standingOf(entry.claims, entry.standing);
    entry.tick = this.#tick;
    // Scores only fade: what is gone does not come back without a delta.
    if (entry.standing === undefined) this.#entries.delete(address);
  }

  /** All sources together, as if each were right by itself with the probability of its score. `before` when nothing changed. */
  #standingOf(claims: readonly StandingClaim[], before: Standing | undefined): Standing | undefined {
    let doubt = 1;
    let sources = 0;
    for (let i = 0; i < claims.length;) {
      const source = claims[i]?.source;
      let most = 0;
      for (; i < claims.length && claims[i]?.source === source; i += 1) most = Math.max(most, this.#faded(claims[i]));
      doubt *= 1 - most;
      if (most >= SOURCE_COUNTS_FROM) sources += 1;
    }
    const thousandths = Math.round((1 - doubt) * 1_000);
    if (thousandths === 0) return undefined;
    const score = thousandths / 1_000;
    if (before?.score === score && before.sources === sources) return before;
    return { score, header: score.toFixed(3), sources };
  }

  #faded(claim: StandingClaim | undefined): number {
    if (claim === undefined || this.#nowMs >= claim.endsAtMs) return 0;
    const ageMs = Math.max(0, this.#nowMs - claim.madeAtMs);
    return Math.min(1, claim.score) * 2 ** (-ageMs / this.#halfLifeMs);
  }
}
