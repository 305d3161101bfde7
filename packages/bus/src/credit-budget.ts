import type { Occupancy } from '@macronode/metrics';

/** Receive windows of all streams of one bus, in bytes: what peers may send before anybody reads. */
export class CreditBudget {
  readonly #total: number;
  #used = 0;

  constructor(total: number) {
    this.#total = total;
  }

  get used(): number {
    return this.#used;
  }

  occupancy(): Occupancy {
    return { kind: 'semaphore', name: 'stream credit', held: this.#used, bound: this.#total, unit: 'bytes' };
  }

  /** Takes a first window, or answers false and takes nothing. */
  reserve(bytes: number): boolean {
    if (this.#used + bytes > this.#total) return false;
    this.#used += bytes;
    return true;
  }

  /** Takes more for an open stream, but only from the first half of the budget: new streams must find room. */
  grow(bytes: number): boolean {
    return this.#used + bytes <= this.#total / 2 && this.reserve(bytes);
  }

  release(bytes: number): void {
    this.#used -= bytes;
  }
}
