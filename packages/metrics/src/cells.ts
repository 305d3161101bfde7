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
    } else this.#slab.misuses += 1;
  }

  /** The total is read from elsewhere at each scrape (a total the runtime keeps). */
  collect(read: () => number): void {
    this.read = read;
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

  /** The value is read at each scrape; a throw leaves the series out of that scrape and is counted. */
  collect(read: () => number): void {
    this.read = read;
  }

  value(): number {
    return this.read === undefined ? (this.#slab.values[this.#slot] ?? 0) : this.read();
  }
}

/**
 * One series of a histogram: a slot per bucket, one for +Inf, one for the sum.
 * Buckets are kept apart and summed up at the scrape, so that an observation writes two slots.
 */
export class HistogramCell {
  readonly #slab: Slab;
  readonly #slot: number;
  readonly #edges: Float64Array;

  constructor(slab: Slab, slot: number, edges: Float64Array) {
    this.#slab = slab;
    this.#slot = slot;
    this.#edges = edges;
  }

  /** Slots one series takes. */
  static slots(edges: Float64Array): number {
    return edges.length + 2;
  }

  /** Counts `value` into the first bucket whose edge is at or above it. NaN is a misuse and changes nothing. */
  observe(value: number): void {
    if (Number.isNaN(value)) {
      this.#slab.misuses += 1;
      return;
    }
    const edges = this.#edges;
    let low = 0;
    let high = edges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (value <= (edges[middle] ?? Infinity)) high = middle;
      else low = middle + 1;
    }
    const { values } = this.#slab;
    const bucket = this.#slot + low;
    values[bucket] = (values[bucket] ?? 0) + 1;
    const sum = this.#slot + edges.length + 1;
    values[sum] = (values[sum] ?? 0) + value;
  }

  /** Cumulative counts per edge, then the count of all, and the sum. */
  snapshot(): { readonly cumulative: number[]; readonly count: number; readonly sum: number } {
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
