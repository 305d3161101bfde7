/** How fast tokens come back, and how many there may be. */
export interface TokenRate {
  readonly perSecond: number;
  readonly burst: number;
}

/** Tokens that come back at a rate up to a burst. It has no timer: what came back is worked out when one is taken. */
export class TokenBucket {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #atMs: number;

  constructor(rate: TokenRate, nowMs: number) {
    this.#perMs = rate.perSecond / 1_000;
    this.#burst = rate.burst;
    this.#tokens = rate.burst;
    this.#atMs = nowMs;
  }

  /** Whether there are `n` tokens; they stay. */
  holds(nowMs: number, n = 1): boolean {
    // A clock that stepped back brings no tokens, and does not have to catch up before they come again.
    if (nowMs > this.#atMs) {
      this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#atMs) * this.#perMs);
    }
    this.#atMs = nowMs;
    return this.#tokens >= n;
  }

  /** Takes `n` tokens, or none when there are fewer. */
  take(nowMs: number, n = 1): boolean {
    if (!this.holds(nowMs, n)) return false;
    this.#tokens -= n;
    return true;
  }
}
