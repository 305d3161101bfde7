/**
 * Holds what a registry exposes to a bound, in series as Prometheus counts them: each bucket of a histogram is one.
 * What finds no room is counted and shown nowhere; who counts into it never notices.
 */
export class SeriesCap {
  readonly #max: number;
  #held = 0;
  /** Series that found no room. */
  refused = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get held(): number {
    return this.#held;
  }

  /** Whether `series` more may be exposed. */
  take(series: number): boolean {
    if (this.#held + series > this.#max) {
      this.refused += series;
      return false;
    }
    this.#held += series;
    return true;
  }

  give(series: number): void {
    this.#held -= series;
  }
}
