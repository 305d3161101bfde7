import type { MeshLimits } from '../mesh-limits.ts';
import type { Envelope } from './claim.ts';
import { Forgetting } from './forgetting.ts';
import { Register, compareEnvelopes, registerKey } from './register.ts';
import { SourceShelf } from './source-shelf.ts';
import type { StandingClaim, StandingDelta } from './standings.ts';
import { DIGEST_BUCKETS, TableDigest } from './table-digest.ts';

/** Other sources that have to say so before the key of a node is not believed: none alone can silence another. */
const DISTRUST_QUORUM = 2;

export type TableLimits = Pick<MeshLimits, 'clockBehindMs' | 'tableClaims' | 'sourcesPerSubject'>;

/** What {@link ClaimTable.find} looks for. */
export interface ClaimQuery {
  readonly subject?: string | undefined;
  readonly limit: number;
}

/**
 * What each source said last of each subject. Tables that were given the same envelopes, in whatever order and however
 * often, are equal: of a register the newest envelope stays, by a total order (seq, made-at, bytes).
 *
 * An envelope that has ended, or takes back another, stays until no older one of its register can pass the clock gate;
 * so nothing comes back. Over `tableClaims` the source with the most claims gives way, with the one that is worth its room
 * the shortest: one source cannot push out the others. At that bound tables can differ while one of a register's older
 * envelopes is still about: what was let go may be taken again, and with it a claim that was taken back.
 *
 * `identity_revoked` removes nobody by itself, as whoever holds a stolen key could say it too. While at least two other
 * sources say it of a node, that node is distrusted: its envelopes are refused at once, and from the next {@link expire} what
 * the table has of it is kept, but neither counted, nor given to peers, nor part of the digest. Its own `identity_revoked`
 * claims stay and count: else two nodes that accuse each other would end differently with the order of arrival. A claim holds
 * a day at most: within it the operator takes the key out of the list.
 *
 * Not per message: {@link expire} and {@link retain} go over what is due, all else is O(log n).
 */
export class ClaimTable {
  readonly #limits: TableLimits;
  readonly #now: () => number;
  readonly #registers = new Map<string, Register>();
  readonly #subjects = new Map<string, Register[]>();
  readonly #shelves = new Map<string, SourceShelf<Register>>();
  readonly #buckets = Array.from({ length: DIGEST_BUCKETS }, () => new Set<Register>());
  readonly #digest = new TableDigest();
  readonly #forgetting = new Forgetting();
  /** Addresses whose claims changed since they were drained. */
  readonly #changed = new Set<string>();
  #shelvesMade = 0;

  /** `now` is in ms since 1970. */
  constructor(options: { readonly limits: TableLimits; readonly now: () => number }) {
    this.#limits = options.limits;
    this.#now = options.now;
  }

  /** Envelopes held, those that ended or take back others included. */
  get size(): number {
    return this.#registers.size;
  }

  /** Takes a verified envelope. `full`: it is itself the one to go. */
  merge(envelope: Envelope): 'merged' | 'stale' | 'full' {
    const key = registerKey(envelope);
    const held = this.#registers.get(key);
    if (held !== undefined) {
      if (compareEnvelopes(envelope, held.envelope) <= 0) return 'stale';
      this.#remove(held);
    }
    const register = new Register(key, this.#shelf(envelope.source), envelope, this.#limits.clockBehindMs);
    this.#insert(register);
    const removed = this.#registers.size > this.#limits.tableClaims ? this.#evict() : undefined;
    return removed === register ? 'full' : 'merged';
  }

  /** Whether it holds this very envelope, byte for byte. */
  has(envelope: Envelope): boolean {
    const held = this.#registers.get(registerKey(envelope));
    return held !== undefined && compareEnvelopes(envelope, held.envelope) === 0;
  }

  /** Whether a node is not believed now, as at least two other sources say its key is not its own any more. */
  distrusts(nodeId: string): boolean {
    const about = this.#subjects.get(nodeId);
    if (about === undefined) return false;
    const nowMs = this.#now();
    let votes = 0;
    for (const register of about) {
      const { kind, source } = register.envelope;
      if (kind === 'identity_revoked' && source !== nodeId && register.holds(nowMs)) votes += 1;
    }
    return votes >= DISTRUST_QUORUM;
  }

  /** What it holds, in {@link DIGEST_BYTES}: equal for equal tables. */
  digest(): Uint8Array {
    return this.#digest.bytes();
  }

  /** The buckets in which a table with this digest differs. Throws RangeError when it is no digest. */
  differing(digest: Uint8Array): readonly number[] {
    return this.#digest.differing(digest);
  }

  /** The envelopes of a bucket as they came, those that ended or take back others included. */
  *bucket(n: number): Iterable<Envelope> {
    for (const register of this.#buckets[n] ?? []) if (!register.muted) yield register.envelope;
  }

  /** At most `max` of the addresses that changed since they were last drained, with all that is said of them. */
  drain(max: number): readonly StandingDelta[] {
    const deltas: StandingDelta[] = [];
    const nowMs = this.#now();
    for (const address of this.#changed) {
      if (deltas.length >= max) break;
      this.#changed.delete(address);
      deltas.push({ address, claims: this.#claimsOf(address, nowMs) });
    }
    return deltas;
  }

  /**
   * Forgets what can be forgotten, and looks anew at whom it distrusts. Answers how many went. To be called once a second: not
   * per message, so that a vote cast and taken back in a hurry does not move all claims of a node each time.
   */
  expire(): number {
    let forgotten = 0;
    for (const register of this.#forgetting.due(this.#now())) {
      this.#remove(register);
      forgotten += 1;
    }
    this.#reviewAll();
    return forgotten;
  }

  /** Drops the claims of every source that is not kept: those taken out of the trust list. Answers how many went. */
  retain(keeps: (source: string) => boolean): number {
    const gone = [...this.#shelves.values()].filter(({ source }) => !keeps(source)).flatMap((s) => [...s.registers()]);
    for (const register of gone) this.#remove(register);
    this.#reviewAll();
    return gone.length;
  }

  /** Envelopes of a subject, or the first of all; those that ended or take back others included. */
  find(query: ClaimQuery): readonly Envelope[] {
    const found: Envelope[] = [];
    const from = query.subject === undefined ? this.#registers.values() : (this.#subjects.get(query.subject) ?? []);
    for (const { envelope } of from) {
      if (found.length >= query.limit) break;
      found.push(envelope);
    }
    return found;
  }

  #insert(register: Register): void {
    const { subject } = register.envelope;
    this.#registers.set(register.key, register);
    register.shelf.add(register);
    this.#buckets[register.bucket]?.add(register);
    this.#forgetting.add(register);
    const about = this.#subjects.get(subject);
    if (about === undefined) this.#subjects.set(subject, [register]);
    else about.push(register);
    this.#count(register);
  }

  #remove(register: Register): void {
    const { subject, source } = register.envelope;
    this.#uncount(register);
    this.#registers.delete(register.key);
    register.shelf.remove(register);
    if (register.shelf.size === 0) this.#shelves.delete(source);
    this.#buckets[register.bucket]?.delete(register);
    this.#forgetting.remove(register);
    const about = this.#subjects.get(subject) ?? [];
    const last = about.pop();
    if (last !== undefined && last !== register) about[about.indexOf(register)] = last;
    if (about.length === 0) this.#subjects.delete(subject);
  }

  /** Makes it part of the digest and of the standings, unless its source is distrusted. */
  #count(register: Register): void {
    if (register.muted) return;
    this.#digest.add(register.bucket, register.hashHigh, register.hashLow);
    this.#touch(register.envelope);
  }

  #uncount(register: Register): void {
    if (register.muted) return;
    this.#digest.subtract(register.bucket, register.hashHigh, register.hashLow);
    this.#touch(register.envelope);
  }

  #touch(envelope: Envelope): void {
    if (isOfAddress(envelope)) this.#changed.add(envelope.subject);
  }

  #shelf(source: string): SourceShelf<Register> {
    let shelf = this.#shelves.get(source);
    if (shelf === undefined) {
      shelf = new SourceShelf(source, this.#shelvesMade++);
      shelf.distrusted = this.distrusts(source);
      this.#shelves.set(source, shelf);
    }
    return shelf;
  }

  #reviewAll(): void {
    for (const shelf of this.#shelves.values()) {
      if (shelf.distrusted === this.distrusts(shelf.source)) continue;
      for (const register of shelf.registers()) this.#uncount(register);
      shelf.distrusted = !shelf.distrusted;
      for (const register of shelf.registers()) this.#count(register);
    }
  }

  #evict(): Register | undefined {
    let fullest: SourceShelf<Register> | undefined;
    for (const shelf of this.#shelves.values()) {
      if (fullest === undefined || shelf.size > fullest.size) fullest = shelf;
      else if (shelf.size === fullest.size && shelf.source > fullest.source) fullest = shelf;
    }
    const register = fullest?.first;
    if (register === undefined) return undefined;
    this.#remove(register);
    return register;
  }

  #claimsOf(address: string, nowMs: number): readonly StandingClaim[] {
    const claims: StandingClaim[] = [];
    for (const register of this.#subjects.get(address) ?? []) {
      const { envelope, shelf, endsAtMs } = register;
      if (!isOfAddress(envelope) || register.muted || envelope.score === 0 || !register.holds(nowMs)) continue;
      claims.push({ source: shelf.number, score: envelope.score, madeAtMs: envelope.madeAtMs, endsAtMs });
    }
    return claims.sort((a, b) => a.source - b.source).slice(0, this.#limits.sourcesPerSubject * ADDRESS_KINDS);
  }
}

/** Kinds of claims of which an address is the subject. */
const ADDRESS_KINDS = 2;

const isOfAddress = ({ kind }: Envelope): boolean => kind === 'waf_reputation' || kind === 'rate_saturation';
