/** Slot 0 counts uses that broke a declaration: in the slab itself, so that those of another thread are seen as well. */
const MISUSES_SLOT = 0;
/** Slots a slab needs beside those of its series. */
export const SLAB_OVERHEAD = 1;
const INITIAL_SLOTS = 256;

/** Where the numbers of a slab live. */
export interface SlabMemory {
  readonly values: Float64Array;
  /** The scrape runs in another thread: it sees the numbers and nothing else of the handles. */
  readonly remote: boolean;
}

/**
 * The numbers of many series in one Float64Array: counting is one indexed addition, nothing is allocated, nothing is
 * locked. A slab grows by doubling, so handles keep the slab and never the array; one over memory it was given does not.
 */
export class Slab {
  values: Float64Array;
  readonly remote: boolean;
  readonly #growing: boolean;
  #used = SLAB_OVERHEAD;

  constructor(memory?: SlabMemory) {
    this.values = memory?.values ?? new Float64Array(INITIAL_SLOTS);
    this.remote = memory?.remote ?? false;
    this.#growing = memory === undefined;
  }

  /** Index of the first of `slots` fresh, adjacent slots. */
  take(slots: number): number {
    const first = this.#used;
    const end = first + slots;
    if (end > this.values.length) this.#grow(end);
    this.#used = end;
    return first;
  }

  /** Uses that broke a declaration at run time: undeclared label values, negative increments, NaN. */
  get misuses(): number {
    return this.values[MISUSES_SLOT] ?? 0;
  }

  misused(): void {
    this.values[MISUSES_SLOT] = this.misuses + 1;
  }

  #grow(slots: number): void {
    if (!this.#growing) throw new RangeError(`${slots} slots do not fit into ${this.values.length}`);
    let size = this.values.length;
    while (size < slots) size *= 2;
    const grown = new Float64Array(size);
    grown.set(this.values);
    this.values = grown;
  }
}
