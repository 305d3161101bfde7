import type { Clock } from './clock.ts';

/** Granularity in ms: the price of a late refusal against the cost of waking up. */
export const WHEEL_TICK_MS = 20;
/** Buckets of the wheel (count): what is due within one turn of it, 10 s, is not looked at before its time. */
const BUCKETS = 512;

/**
 * What falls due, watched by one wheel at a time. It carries its own links, so that watching it allocates nothing: a Set
 * that is filled and emptied all the time leaves a chain of old tables, which keep what was in them alive.
 */
export abstract class Timed {
  /** For the wheel. */
  tick = 0;
  previous: Timed | undefined;
  next: Timed | undefined;

  /** Called at most once per watch, up to one tick after its time. */
  abstract onDue(): void;
}

class Bucket extends Timed {
  override previous: Timed = this;
  override next: Timed = this;

  onDue(): void {
    throw new Error('a bucket is never due');
  }
}

class TimedCallback extends Timed {
  readonly #run: () => void;

  constructor(run: () => void) {
    super();
    this.#run = run;
  }

  onDue(): void {
    this.#run();
  }
}

/** All deadlines of a bus on one timer, which runs only while there is a deadline to watch: a hashed timing wheel. */
export class DeadlineWheel {
  readonly #clock: Clock;
  readonly #buckets = Array.from({ length: BUCKETS }, () => new Bucket());
  #watched = 0;
  /** First tick that was not looked at. */
  #next: number;
  #stop: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#next = tickOf(clock.now());
  }

  /** Watches for `at` (ms of the clock); what is due at Infinity never is. */
  add(at: number, timed: Timed): void {
    if (this.#watched === 0) this.#next = tickOf(this.#clock.now());
    timed.tick = Math.min(Math.max(tickOf(at) + 1, this.#next), Number.MAX_SAFE_INTEGER);
    const bucket = this.#bucketOf(timed.tick);
    timed.next = bucket;
    timed.previous = bucket.previous;
    bucket.previous.next = timed;
    bucket.previous = timed;
    this.#watched += 1;
    this.#stop ??= this.#clock.after(WHEEL_TICK_MS, () => this.#turn());
  }

  /** Runs `run` at `at`; the answer is what to hand to `remove`. */
  runAt(at: number, run: () => void): Timed {
    const timed = new TimedCallback(run);
    this.add(at, timed);
    return timed;
  }

  /** Takes a watch back; nothing happens when it is over. */
  remove(timed: Timed): void {
    const { previous, next } = timed;
    if (previous === undefined || next === undefined) return;
    previous.next = next;
    next.previous = previous;
    timed.previous = undefined;
    timed.next = undefined;
    this.#watched -= 1;
  }

  close(): void {
    this.#stop?.();
    this.#stop = undefined;
    for (const bucket of this.#buckets) {
      while (bucket.next !== bucket) this.remove(bucket.next);
    }
  }

  #bucketOf(tick: number): Bucket {
    const bucket = this.#buckets[tick % BUCKETS];
    if (bucket === undefined) throw new RangeError(`${tick} is no tick`);
    return bucket;
  }

  #turn(): void {
    this.#stop = undefined;
    const now = tickOf(this.#clock.now());
    const due: Timed[] = [];
    // After a pause longer than a turn of the wheel every bucket is looked at once.
    for (let tick = Math.max(this.#next, now - BUCKETS + 1); tick <= now; tick += 1) {
      const bucket = this.#bucketOf(tick);
      let timed = bucket.next;
      while (timed !== bucket) {
        const following = timed.next ?? bucket;
        if (timed.tick <= now) {
          this.remove(timed);
          due.push(timed);
        }
        timed = following;
      }
    }
    this.#next = now + 1;
    if (this.#watched > 0) this.#stop ??= this.#clock.after(WHEEL_TICK_MS, () => this.#turn());
    // Buckets are met in the order of their ticks only while none was missed.
    due.sort((one, other) => one.tick - other.tick);
    for (const timed of due) timed.onDue();
  }
}

const tickOf = (at: number): number => Math.floor(at / WHEEL_TICK_MS);
