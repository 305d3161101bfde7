import { performance } from 'node:perf_hooks';
import { idMs } from './redis-replies.ts';

/**
 * Redis's clock seen from here. Ages are measured against the clock that made the entry ids, over our monotonic one:
 * neither a skew between machines nor a jump of the local wall clock changes a deadline.
 */
export class RedisClock {
  #offset = Date.now() - performance.now();
  #measured = false;

  /** Takes in a TIME reply and when it was asked for (`performance.now()`). A slow answer says little and is left out. */
  observe(seconds: number, microseconds: number, askedAt: number): void {
    const answeredAt = performance.now();
    if (this.#measured && answeredAt - askedAt > 100) return;
    this.#offset = seconds * 1_000 + microseconds / 1_000 - (askedAt + answeredAt) / 2;
    this.#measured = true;
  }

  /** Milliseconds of Redis's clock, now. */
  now(): number {
    return performance.now() + this.#offset;
  }

  /** Age of an entry in ms; never negative, for ids may run ahead of the clock after it was set back. */
  ageMs(id: string): number {
    return Math.max(0, this.now() - idMs(id));
  }
}
