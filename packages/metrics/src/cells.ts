import type { Slab } from './slab.ts';

/** One series of a counter. Hold it where the same labels are counted again and again. */
export class CounterCell {
  readonly #slab: Slab;
  readonly #slot: number;
  read: (() => number) | undefined;

  constructor(slab: Slab, slot: number) {
    this.#slab = slab;
    this.#slot = slot;
  }

  /** Adds `n`, by default 1. A negative or NaN amount is counted as a misuse and changes nothing. */
  inc(n = 1): void {
    if (n >= 0) {
      const { values } = this.#slab;
      values[this.#slot] = (values[this.#slot] ?? 0) + n;
    } else this.#slab.misused();
  }

  /** The total is read from elsewhere at each scrape (a total the runtime keeps). A misuse in a thread that is not scraped. */
  collect(read: () => number): void {
    if (this.#slab.remote) this.#slab.misused();
    else this.read = read;
  }

  value(): number {
    return this.read === undefined ? (this.#slab.values[this.#slot] ?? 0) : this.read();
  }
}

/** One series of a gauge. */
export class GaugeCell {
  readonly #slab: Slab;
  readonly #slot: number;
  read: (() => number) | undefined;

  constructor(slab: Slab, slot: number) {
    this.#slab = slab;
    this.#slot = slot;
  }

  /** NaN means unknown: the series is left out of the scrape. */
  set(value: number): void {
    this.#slab.values[this.#slot] = value;
  }

  inc(n = 1): void {
    const { values } = this.#slab;
    values[this.#slot] = (values[this.#slot] ?? 0) + n;
  }

  dec(n = 1): void {
    this.inc(-n);
  }

  /**
   * The value is read at each scrape; a throw leaves the series out of that scrape and is counted.
   * A misuse in a thread that is not scraped.
   */
  collect(read: () => number): void {
    if (this.#slab.remote) this.#slab.misused();
    else this.read = read;
  }

  value(): number {
    return this.read === undefined ? (this.#slab.values[this.#slot] ?? 0) : this.read();
  }
}

/** An observation that stands for its bucket, and the trace it was made in. */
export interface Exemplar {
  readonly labelSet: { readonly trace_id: string };
  readonly value: number;
  /** Unix time, in s. */
  readonly timestamp: number;
}

/** Cumulative counts per edge, then the count of all, and the sum. */
export interface HistogramSnapshot {
  readonly cumulative: readonly number[];
  readonly count: number;
  readonly sum: number;
}

/**
 * One series of a histogram: a slot per bucket, one for +Inf, one for the sum.
 * Buckets are kept apart and summed up at the scrape, so that an observation writes two slots.
 */
export class HistogramCell {
  readonly #slab: Slab;
  readonly #slot: number;
  readonly #edges: Float64Array;
  /** The latest of each bucket; made with the first, so that a process without traces has none. */
  #exemplars: (Exemplar | undefined)[] | undefined;

  constructor(slab: Slab, slot: number, edges: Float64Array) {
    this.#slab = slab;
    this.#slot = slot;
    this.#edges = edges;
  }

  /** Slots one series takes. */
  static slots(edges: ArrayLike<number>): number {
    return edges.length + 2;
  }

  /** Counts `value` into the first bucket whose edge is at or above it. NaN is a misuse and changes nothing. */
  observe(value: number): void {
    if (Number.isNaN(value)) {
      this.#slab.misused();
      return;
    }
    const { values } = this.#slab;
    const bucket = this.#slot + this.#bucketOf(value);
    values[bucket] = (values[bucket] ?? 0) + 1;
    const sum = this.#slot + this.#edges.length + 1;
    values[sum] = (values[sum] ?? 0) + value;
  }

  /**
   * Observes `value`, and shows the sampled trace it was made in beside its bucket: in the thread that is scraped,
   * for a lane holds numbers only.
   */
  observeTraced(value: number, traceId: string): void {
    this.observe(value);
    if (Number.isNaN(value)) return;
    this.#exemplars ??= new Array<Exemplar | undefined>(this.#edges.length + 1);
    this.#exemplars[this.#bucketOf(value)] = { labelSet: { trace_id: traceId }, value, timestamp: Date.now() / 1_000 };
  }

  /** The latest of a bucket, counted from the lowest edge; the last is that of +Inf. */
  exemplar(bucket: number): Exemplar | undefined {
    return this.#exemplars?.[bucket];
  }

  #bucketOf(value: number): number {
    const edges = this.#edges;
    let low = 0;
    let high = edges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (value <= (edges[middle] ?? Infinity)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  snapshot(): HistogramSnapshot {
    const { values } = this.#slab;
    const cumulative: number[] = [];
    let count = 0;
    for (let i = 0; i <= this.#edges.length; i++) {
      count += values[this.#slot + i] ?? 0;
      if (i < this.#edges.length) cumulative.push(count);
    }
    return { cumulative, count, sum: values[this.#slot + this.#edges.length + 1] ?? 0 };
  }
}
