import { LIMITS } from '@macronode/contracts';
import { TokenBucket } from '@macronode/mesh';

/** What a client was cut for: it kept asking over its share, or kept sending what nobody can read. */
export const CUT_REASONS = Object.freeze(['quota_storm', 'malformed_flood'] as const);
export type CutReason = (typeof CUT_REASONS)[number];

/** The kinds of claim a gateway makes of clients by itself. */
export type ToldKind = 'rate_saturation' | 'waf_reputation';

/** What one address may ask for. A rate of 0 is none: nothing is counted. */
export interface ClientRates {
  /** Requests a second, and how many may come at once. */
  readonly requestsPerSecond: number;
  readonly requestBurst: number;
  /** Malformed requests a second; as many may come at once. */
  readonly malformedPerSecond: number;
}

const NEVER = -Infinity;

/** Refusals of one cause within a window. */
class Strikes {
  #since = NEVER;
  #count = 0;

  /** True with the one that fills the window; it then begins anew. */
  add(nowMs: number): boolean {
    if (nowMs - this.#since >= LIMITS.gateway_cut_window_ms.value) {
      this.#since = nowMs;
      this.#count = 0;
    }
    this.#count += 1;
    if (this.#count < LIMITS.gateway_cut_refusals.value) return false;
    this.#since = NEVER;
    return true;
  }
}

const bucket = (perSecond: number, burst: number, nowMs: number): TokenBucket | undefined =>
  perSecond === 0 ? undefined : new TokenBucket({ perSecond, burst }, nowMs);

/** What is remembered of one address. Times are monotonic, in ms. */
export class Client {
  readonly address: string;
  /** Neighbours in the order of use; kept by the table. */
  older: Client | undefined;
  newer: Client | undefined;
  readonly #requests: TokenBucket | undefined;
  readonly #malformed: TokenBucket | undefined;
  readonly #strikes = { quota_storm: new Strikes(), malformed_flood: new Strikes() };
  #cutUntil = NEVER;
  #tarpitted = false;
  readonly #saidAt = { rate_saturation: NEVER, waf_reputation: NEVER };

  constructor(address: string, rates: ClientRates, nowMs: number) {
    this.address = address;
    this.#requests = bucket(rates.requestsPerSecond, rates.requestBurst, nowMs);
    this.#malformed = bucket(rates.malformedPerSecond, rates.malformedPerSecond, nowMs);
  }

  /** Ms it stays cut; 0 when it is not. */
  cutForMs(nowMs: number): number {
    return Math.max(0, this.#cutUntil - nowMs);
  }

  /** Counts a request against its share. */
  mayAsk(nowMs: number): boolean {
    return this.#requests?.take(nowMs) ?? true;
  }

  /** Counts a malformed request against what is put up with. */
  mayErr(nowMs: number): boolean {
    return this.#malformed?.take(nowMs) ?? true;
  }

  /** Counts a refusal. True when it was the one too many. */
  strike(reason: CutReason, nowMs: number): boolean {
    return this.#strikes[reason].add(nowMs);
  }

  cut(untilMs: number): void {
    this.#cutUntil = untilMs;
    this.#tarpitted = false;
  }

  /** A refusal was held back, and it has waited for it. */
  released(): void {
    this.#tarpitted = true;
  }

  /** It has been held back in this cut: whoever comes on after that means to. */
  get tarpitted(): boolean {
    return this.#tarpitted;
  }

  /** Whether a claim of this kind is due; from now on none is for a while. */
  mayTell(kind: ToldKind, nowMs: number): boolean {
    if (nowMs - this.#saidAt[kind] < LIMITS.gateway_claim_interval_ms.value) return false;
    this.#saidAt[kind] = nowMs;
    return true;
  }
}
