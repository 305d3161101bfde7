import { type Holder, Holders, type Occupancy } from '@macronode/metrics';

/** A consumer that waits for a topic. Made before the store is asked, so that a message cannot slip in between. */
export interface Listener {
  /** Resolves true when the bell rings (or has rung since the last wait), false after `ms` or when the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<boolean>;
  /** Stops listening. A ring that came and was not used goes to the next listener. */
  close(): void;
}

class Waiter implements Listener {
  readonly #onClose: (unused: boolean) => void;
  #rung = false;
  #dismissed = false;
  #wake: (() => void) | undefined;

  constructor(onClose: (unused: boolean) => void) {
    this.#onClose = onClose;
  }

  get hasRung(): boolean {
    return this.#rung;
  }

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  dismiss(): void {
    this.#dismissed = true;
    this.#wake?.();
  }

  async wait(ms: number, signal: AbortSignal): Promise<boolean> {
    if (!this.#rung && !this.#dismissed && !signal.aborted && ms > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const wake = (): void => resolve();
      const timer = setTimeout(wake, ms);
      signal.addEventListener('abort', wake);
      this.#wake = wake;
      await promise;
      this.#wake = undefined;
      signal.removeEventListener('abort', wake);
      clearTimeout(timer);
    }
    // A ring that nobody will act on stays, for close() to pass on.
    if (!this.#rung || this.#dismissed || signal.aborted) return false;
    this.#rung = false;
    return true;
  }

  close(): void {
    this.#dismissed = true;
    this.#wake?.();
    this.#onClose(this.#rung);
  }
}

/** Wakes long polls of this instance, one per message and in the order they came. */
export class TopicBell {
  readonly #waiters = new Map<string, Set<Waiter>>();
  readonly #max: number;
  readonly #holders = new Holders();
  #dismissed = false;

  /** `max`: listeners at once. */
  constructor(max: number) {
    this.#max = max;
  }

  get listeners(): number {
    return this.#holders.size;
  }

  occupancy(): Occupancy {
    const [held, bound] = [this.#holders.size, this.#max];
    return { kind: 'semaphore', name: 'long polls', held, bound, oldestMs: this.#holders.oldestMs() };
  }

  /** Undefined when as many listen as may. */
  listen(topic: string): Listener | undefined {
    if (this.#holders.size >= this.#max) return undefined;
    const waiters = this.#waiters.get(topic) ?? new Set<Waiter>();
    this.#waiters.set(topic, waiters);
    const holder: Holder = this.#holders.enter();
    const waiter = new Waiter((unused) => {
      if (!waiters.delete(waiter)) return;
      this.#holders.leave(holder);
      if (waiters.size === 0 && this.#waiters.get(topic) === waiters) this.#waiters.delete(topic);
      if (unused) this.ring(topic);
    });
    waiters.add(waiter);
    if (this.#dismissed) waiter.dismiss();
    return waiter;
  }

  /** The topic has a message: wakes the first listener that has not been woken yet. */
  ring(topic: string): void {
    for (const waiter of this.#waiters.get(topic) ?? []) {
      if (waiter.hasRung) continue;
      waiter.ring();
      return;
    }
  }

  /** Wakes every listener of the topic: an unknown number of messages is there. */
  ringAll(topic: string): void {
    for (const waiter of this.#waiters.get(topic) ?? []) waiter.ring();
  }

  /** Ends all waiting, now and from now on: the instance is closing. */
  dismiss(): void {
    this.#dismissed = true;
    for (const waiters of this.#waiters.values()) for (const waiter of waiters) waiter.dismiss();
  }
}
