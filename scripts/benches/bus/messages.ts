import type { PayloadName } from './payloads.ts';

/** How calls are made: each of `concurrency` workers waits for its answer, or they come at `rate` whatever the answers do. */
export type Shape =
  | { readonly loop: 'closed'; readonly concurrency: number }
  | { readonly loop: 'open'; /** Calls a second. */ readonly rate: number };

/** What a client process is told to do. */
export interface WindowOrder {
  readonly shape: Shape;
  readonly payload: PayloadName;
  /** Calls made before anything is counted, in ms. */
  readonly warmUpMs: number;
  readonly windowMs: number;
}

/** What one client process saw in one window. */
export interface WindowReport {
  /** Calls answered inside the window. */
  readonly answered: number;
  readonly elapsedMs: number;
  /** Latencies in microseconds, as `LatencyHistogram.counts()` gives them. */
  readonly latencies: readonly number[];
  /** Calls that failed, by error. */
  readonly errors: Readonly<Record<string, number>>;
}

/** What a process of the bench tells the one that started it. */
export type ChildMessage =
  /** The server answers, or the client is connected. */
  | { readonly type: 'ready' }
  /** The warm-up is over. */
  | { readonly type: 'measuring' }
  /** The window is over; calls under way are still waited for. */
  | { readonly type: 'measured' }
  | { readonly type: 'report'; readonly report: WindowReport };
