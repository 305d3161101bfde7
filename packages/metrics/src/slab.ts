/** Slot 0 takes what must not be counted anywhere: a write to it is as cheap as any other and is never exposed. */
export const SINK_SLOT = 0;

/**
 * The numbers of all series of a registry in one Float64Array: counting is one indexed addition,
 * nothing is allocated, nothing is locked. Grows by doubling; handles keep the slab, never the array.
 */
export class Slab {
  values: Float64Array;
  #used = 1;
  /** Uses that broke a declaration at run time: undeclared label values, negative increments, NaN. */
  misuses = 0;

  constructor(initialSlots = 256) {
    this.values = new Float64Array(Math.max(2, initialSlots));
  }

  /** Index of the first of `slots` fresh, zeroed, adjacent slots. */
  take(slots: number): number {
    const first = this.#used;
    const end = first + slots;
    let size = this.values.length;
    while (size < end) size *= 2;
    if (size !== this.values.length) {
      const grown = new Float64Array(size);
      grown.set(this.values);
      this.values = grown;
    }
    this.#used = end;
    return first;
  }

  get used(): number {
    return this.#used;
  }
}
