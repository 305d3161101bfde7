import type { Clock } from './clock.ts';

/** What falls due: an object of its own per deadline, so that a watch can be taken back in O(1). */
export interface Timed {
  /** Called at most once, up to one tick after its time. */
  onDue(): void;
}

/** Granularity in ms: the price of a late refusal against the cost of waking up. */
export const WHEEL_TICK_MS = 20;

/** All deadlines of a bus on one timer, which runs only while there is a deadline to watch. */
export class DeadlineWheel {
  readonly #clock: Clock;
  readonly #slots = new Map<number, Set<Timed>>();
  #next: number;
  #stop: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#next = this.#tickOf(clock.now());
  }

  /** Watches for `at` (ms of the clock); the answer is the slot to hand to `remove`. */
  add(at: number, timed: Timed): number {
    if (this.#slots.size === 0) this.#next = this.#tickOf(this.#clock.now());
    const slot = Math.max(this.#tickOf(at) + 1, this.#next);
    const set = this.#slots.get(slot);
    if (set === undefined) this.#slots.set(slot, new Set([timed]));
    else set.add(timed);
    this.#stop ??= this.#clock.after(WHEEL_TICK_MS, () => this.#turn());
    return slot;
  }

  remove(slot: number, timed: Timed): void {
    const set = this.#slots.get(slot);
    if (set === undefined) return;
    set.delete(timed);
    if (set.size === 0) this.#slots.delete(slot);
  }

  close(): void {
    this.#stop?.();
    this.#stop = undefined;
    this.#slots.clear();
  }

  #tickOf(at: number): number {
    return Math.floor(at / WHEEL_TICK_MS);
  }

  #turn(): void {
    this.#stop = undefined;
    const now = this.#tickOf(this.#clock.now());
    const due: Timed[] = [];
    // After a long pause there are fewer slots than missed ticks.
    if (now - this.#next > this.#slots.size) {
      for (const [slot, set] of this.#slots) if (slot <= now) due.push(...this.#take(slot, set));
    } else {
      for (let slot = this.#next; slot <= now; slot += 1) {
        const set = this.#slots.get(slot);
        if (set !== undefined) due.push(...this.#take(slot, set));
      }
    }
    this.#next = now + 1;
    if (this.#slots.size > 0) this.#stop ??= this.#clock.after(WHEEL_TICK_MS, () => this.#turn());
    for (const timed of due) timed.onDue();
  }

  #take(slot: number, set: Set<Timed>): Set<Timed> {
    this.#slots.delete(slot);
    return set;
  }
}
