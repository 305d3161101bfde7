import type { BusLimits } from './bus-limits.ts';
import { BusOverflow } from './errors.ts';
import type { BusMetrics } from './metrics.ts';

type Job = () => Promise<void>;

/** How many handlers run at once, and what waits for one to end. What cannot start is not read: that is the credit. */
export class HandlerSlots {
  readonly #limits: BusLimits;
  readonly #waiters = new Set<() => void>();
  #queue: Job[] = [];
  #running = 0;
  #parked = 0;
  #starved = false;

  constructor(limits: BusLimits, metrics: BusMetrics) {
    this.#limits = limits;
    metrics.handlersRunning.collect(() => this.#running);
    metrics.handlersParked.collect(() => this.#parked);
  }

  get idle(): boolean {
    return this.#running === 0 && this.#parked === 0 && this.#queue.length === 0;
  }

  /** Frames that may be read now. */
  credits(): number {
    const credits = Math.max(0, this.#limits.handlerConcurrency - this.#running - this.#queue.length);
    if (credits === 0) this.#starved = true;
    return credits;
  }

  /** Whether something that came without credit may wait here. */
  hasRoom(): boolean {
    return this.#queue.length < this.#limits.handlerQueue;
  }

  /** Runs when credits are there again after there were none. */
  onCredits(wake: () => void): () => void {
    this.#waiters.add(wake);
    return () => this.#waiters.delete(wake);
  }

  /** Runs the job when there is a slot. Jobs never reject. */
  submit(job: Job): void {
    if (this.#running < this.#limits.handlerConcurrency) this.#run(job);
    else this.#queue.push(job);
  }

  /** Waits outside the slot of the handler that asks. */
  async park<T>(wait: Promise<T>): Promise<T> {
    if (this.#parked >= this.#limits.parkedHandlers) {
      void wait.catch(() => undefined);
      throw new BusOverflow('handler');
    }
    this.#parked += 1;
    this.#running -= 1;
    this.#fill();
    try {
      return await wait;
    } finally {
      this.#parked -= 1;
      this.#running += 1;
    }
  }

  /** Drops what waits. */
  clear(): void {
    this.#queue = [];
  }

  #run(job: Job): void {
    this.#running += 1;
    void job().finally(() => {
      this.#running -= 1;
      this.#fill();
    });
  }

  #fill(): void {
    while (this.#running < this.#limits.handlerConcurrency) {
      const job = this.#queue.shift();
      if (job === undefined) break;
      this.#run(job);
    }
    if (!this.#starved || this.#running + this.#queue.length >= this.#limits.handlerConcurrency) return;
    this.#starved = false;
    for (const wake of this.#waiters) wake();
  }
}
