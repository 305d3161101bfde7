import type { Occupancy } from '@macronode/metrics';
import type { BusLimits } from './bus-limits.ts';
import type { Clock } from './clock.ts';
import { BusOverflow, BusUnavailable } from './errors.ts';
import type { BusMetrics } from './metrics.ts';

/** Something that holds a slot from `start` until it calls `release`, once. It never throws. */
export interface Job {
  start(): void;
}

interface Queued {
  readonly job: Job;
  readonly queuedAt: number;
}

/** How many handlers run at once, and what waits for one to end. What cannot start is not read: that is the credit. */
export class HandlerSlots {
  readonly #limits: BusLimits;
  readonly #clock: Clock;
  readonly #waiters = new Set<() => void>();
  #queue: Queued[] = [];
  #running = 0;
  /** Each with the time it was parked, the first one first. */
  readonly #parked = new Map<(error: Error) => void, number>();
  #draining = false;
  #starved = false;
  #filling = false;

  constructor(limits: BusLimits, clock: Clock, metrics: BusMetrics) {
    this.#limits = limits;
    this.#clock = clock;
    metrics.handlersRunning.collect(() => this.#running);
    metrics.handlersParked.collect(() => this.#parked.size);
  }

  get idle(): boolean {
    return this.#running === 0 && this.#parked.size === 0 && this.#queue.length === 0;
  }

  /** The slots, what waits for one, and the handlers that wait outside of theirs. `oldestMs`: of the handlers under way. */
  occupancies(oldestMs: number | undefined): readonly Occupancy[] {
    const now = this.#clock.now();
    const [first] = this.#queue;
    const [parkedAt] = this.#parked.values();
    const { handlerConcurrency, parkedHandlers } = this.#limits;
    return [
      {
        kind: 'semaphore',
        name: 'handler slots',
        held: this.#running,
        bound: handlerConcurrency,
        oldestMs,
        waiting: this.#queue.length,
        oldestWaitingMs: first && now - first.queuedAt,
      },
      {
        kind: 'semaphore',
        name: 'parked handlers',
        held: this.#parked.size,
        bound: parkedHandlers,
        oldestMs: parkedAt === undefined ? undefined : now - parkedAt,
      },
    ];
  }

  /** Frames that may be read now. */
  credits(): number {
    const credits = this.free;
    if (credits === 0) this.#starved = true;
    return credits;
  }

  /** Handlers that could start now. */
  get free(): number {
    return Math.max(0, this.#limits.handlerConcurrency - this.#running - this.#queue.length);
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

  /** Starts the job when there is a slot. */
  admit(job: Job): void {
    if (this.#running < this.#limits.handlerConcurrency) this.#run(job);
    else this.#queue.push({ job, queuedAt: this.#clock.now() });
  }

  /** Runs work that holds a slot until its promise settles. It never rejects. */
  submit(work: () => Promise<void>): void {
    this.admit({ start: () => void work().finally(() => this.release()) });
  }

  /** A job that was started ends. */
  release(): void {
    this.#running -= 1;
    this.#fill();
  }

  /** Waits outside the slot of the handler that asks. Rejects when there is no room, or when the instance drains. */
  async park<T>(wait: Promise<T>): Promise<T> {
    if (this.#draining || this.#parked.size >= this.#limits.parkedHandlers) {
      void wait.catch(() => undefined);
      throw this.#draining ? draining() : new BusOverflow('handler');
    }
    this.#running -= 1;
    this.#fill();
    let end: (error: Error) => void = () => undefined;
    try {
      return await new Promise<T>((resolve, reject) => {
        end = reject;
        this.#parked.set(end, this.#clock.now());
        wait.then(resolve, reject);
      });
    } finally {
      this.#parked.delete(end);
      this.#running += 1;
    }
  }

  /** Ends every parked wait: whoever polls is better answered now, by another instance, than after this one is gone. */
  endParked(): void {
    this.#draining = true;
    for (const end of this.#parked.keys()) end(draining());
  }

  /** Drops what waits. */
  clear(): void {
    this.#queue = [];
  }

  #run(job: Job): void {
    this.#running += 1;
    job.start();
  }

  #fill(): void {
    // A job that ends at once comes back here: the loop under way goes on with the next.
    if (this.#filling) return;
    this.#filling = true;
    while (this.#running < this.#limits.handlerConcurrency) {
      const next = this.#queue.shift();
      if (next === undefined) break;
      this.#run(next.job);
    }
    this.#filling = false;
    if (!this.#starved || this.#running + this.#queue.length >= this.#limits.handlerConcurrency) return;
    this.#starved = false;
    for (const wake of this.#waiters) wake();
  }
}

const draining = (): BusUnavailable => new BusUnavailable('the instance is draining');
