import type { Clock } from './clock.ts';

/** A clock that stands until it is moved: for tests whose subject is time. */
export class ManualClock implements Clock {
  #monotonic = 1_000;
  #wall = Date.parse('2030-01-01T00:00:00Z');

  monotonicMs(): number {
    return this.#monotonic;
  }

  wallMs(): number {
    return this.#wall;
  }

  advance(ms: number): void {
    this.#monotonic += ms;
    this.#wall += ms;
  }
}
