/** Each doubling of the value is cut into this many buckets: a quantile is at most 1.6 % above the truth. */
const STEPS_PER_DOUBLING = 64;
const STEP_BITS = 6;
/** Values up to 2³⁰ µs (18 minutes); whatever is longer counts as that. */
const VALUE_BITS = 30;
const BUCKETS = (VALUE_BITS - STEP_BITS + 1) * STEPS_PER_DOUBLING;

/** Counts latencies in microseconds, exactly up to 64 µs and in logarithmic buckets above: constant memory, cheap to record. */
export class LatencyHistogram {
  readonly #counts = new Float64Array(BUCKETS);
  #total = 0;

  static from(counts: readonly number[]): LatencyHistogram {
    const histogram = new LatencyHistogram();
    histogram.add(counts);
    return histogram;
  }

  get total(): number {
    return this.#total;
  }

  record(micros: number): void {
    const at = bucketOf(micros);
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#total += 1;
  }

  /** Adds what another one counted, as `counts()` gave it. */
  add(counts: readonly number[]): void {
    for (const [at, count] of counts.entries()) {
      this.#counts[at] = (this.#counts[at] ?? 0) + count;
      this.#total += count;
    }
  }

  /** Everything it knows, as plain numbers for another process. */
  counts(): readonly number[] {
    return [...this.#counts];
  }

  /** The value below which `share` (0 to 1) of the latencies lie, in microseconds: the upper edge of its bucket. NaN when empty. */
  quantile(share: number): number {
    if (this.#total === 0) return Number.NaN;
    let left = Math.ceil(share * this.#total);
    for (const [at, count] of this.#counts.entries()) {
      left -= count;
      if (count > 0 && left <= 0) return upperEdge(at);
    }
    return upperEdge(BUCKETS - 1);
  }
}

function bucketOf(micros: number): number {
  const value = Math.min(2 ** VALUE_BITS - 1, Math.max(0, Math.floor(micros)));
  if (value < STEPS_PER_DOUBLING) return value;
  const doublings = 31 - Math.clz32(value) - STEP_BITS;
  return Math.min(BUCKETS - 1, doublings * STEPS_PER_DOUBLING + (value >>> doublings));
}

function upperEdge(at: number): number {
  if (at < 2 * STEPS_PER_DOUBLING) return at;
  const doublings = Math.floor(at / STEPS_PER_DOUBLING) - 1;
  return (at - doublings * STEPS_PER_DOUBLING + 1) * 2 ** doublings - 1;
}
