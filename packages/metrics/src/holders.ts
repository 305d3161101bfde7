/** One who holds, or waits for, something bounded: from `enter` to `leave`. */
export interface Holder {
  /** What it is, where holders of one thing differ: a subject, a route. */
  readonly label: string;
  /** On the clock of `performance.now()`, in ms. */
  readonly since: number;
  /** @internal */
  previous: Holder;
  /** @internal */
  next: Holder;
}

/**
 * Who holds a bounded thing, the oldest first. A linked list, so that entering and leaving cost the same however many
 * there are: a Set that is filled and emptied all the time leaves a chain of old tables.
 */
export class Holders {
  readonly #ends: Holder;
  #size = 0;

  constructor() {
    const ends = { label: '', since: 0 } as Holder;
    ends.previous = ends;
    ends.next = ends;
    this.#ends = ends;
  }

  get size(): number {
    return this.#size;
  }

  enter(label = ''): Holder {
    const ends = this.#ends;
    const holder: Holder = { label, since: performance.now(), previous: ends.previous, next: ends };
    ends.previous.next = holder;
    ends.previous = holder;
    this.#size += 1;
    return holder;
  }

  /** A holder that left before is left alone. */
  leave(holder: Holder): void {
    if (holder.next === holder) return;
    holder.previous.next = holder.next;
    holder.next.previous = holder.previous;
    holder.previous = holder;
    holder.next = holder;
    this.#size -= 1;
  }

  /** Age of the one who holds longest, in ms; undefined when nobody does. */
  oldestMs(): number | undefined {
    return this.#size === 0 ? undefined : performance.now() - this.#ends.next.since;
  }

  /** Holders by what they are, each with the age of its oldest in ms. Walks all of them. */
  byLabel(): ReadonlyMap<string, { readonly count: number; readonly oldestMs: number }> {
    const found = new Map<string, { count: number; oldestMs: number }>();
    const now = performance.now();
    for (let holder = this.#ends.next; holder !== this.#ends; holder = holder.next) {
      const seen = found.get(holder.label);
      if (seen === undefined) found.set(holder.label, { count: 1, oldestMs: now - holder.since });
      else seen.count += 1;
    }
    return found;
  }
}
