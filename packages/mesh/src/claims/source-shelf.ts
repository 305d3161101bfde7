import type { Envelope } from './claim.ts';

/** What a shelf holds. */
interface Shelved {
  readonly envelope: Envelope;
  /** Until when it is worth its room, in ms since 1970. */
  readonly worthUntilMs: number;
  /** Its place in the heap, kept by the shelf. */
  place: number;
}

/** The registers of one source, as a heap: on top the one that is worth its room the shortest. */
export class SourceShelf<R extends Shelved> {
  readonly source: string;
  /** A short name of the source, within one table. */
  readonly number: number;
  /** Enough other sources say its key is not to be believed. */
  distrusted = false;
  readonly #heap: R[] = [];

  constructor(source: string, number: number) {
    this.source = source;
    this.number = number;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** The one to go when there is no room. */
  get first(): R | undefined {
    return this.#heap[0];
  }

  registers(): readonly R[] {
    return this.#heap;
  }

  add(register: R): void {
    this.#heap.push(register);
    this.#rise(register, this.#heap.length - 1);
  }

  remove(register: R): void {
    const last = this.#heap.pop();
    if (last === undefined || last === register) return;
    this.#settle(last, register.place);
  }

  #settle(register: R, place: number): void {
    if (this.#rise(register, place) === place) this.#sink(register, place);
  }

  #rise(register: R, from: number): number {
    let place = from;
    while (place > 0) {
      const above = (place - 1) >>> 1;
      const parent = this.#heap[above];
      if (parent === undefined || !goesBefore(register, parent)) break;
      this.#put(parent, place);
      place = above;
    }
    this.#put(register, place);
    return place;
  }

  #sink(register: R, from: number): void {
    let place = from;
    for (;;) {
      const left = this.#heap[2 * place + 1];
      const right = this.#heap[2 * place + 2];
      const child = left !== undefined && right !== undefined && goesBefore(right, left) ? right : left;
      if (child === undefined || !goesBefore(child, register)) break;
      const below = child.place;
      this.#put(child, place);
      place = below;
    }
    this.#put(register, place);
  }

  #put(register: R, place: number): void {
    this.#heap[place] = register;
    register.place = place;
  }
}

/** Never the order of arrival: two nodes at their bound let the same ones go. */
function goesBefore(a: Shelved, b: Shelved): boolean {
  const [endA, endB] = [a.worthUntilMs, b.worthUntilMs];
  return endA === endB ? Buffer.compare(a.envelope.bytes, b.envelope.bytes) < 0 : endA < endB;
}
