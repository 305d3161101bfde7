import { performance } from 'node:perf_hooks';

/** Time, injected: leases run on the monotonic clock, which no administrator moves; windows of hours on the wall clock. */
export interface Clock {
  /** Milliseconds since this process started, whole. */
  monotonicMs(): number;
  /** Milliseconds since the epoch, whole. */
  wallMs(): number;
}

export const systemClock: Clock = Object.freeze({
  monotonicMs: () => Math.floor(performance.now()),
  wallMs: () => Date.now(),
});
