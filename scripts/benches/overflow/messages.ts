/** A phase of load: a closed loop finds the capacity, an open loop offers a rate. */
export type LoadOrder =
  | { readonly type: 'closed'; readonly concurrency: number; readonly ms: number }
  | { readonly type: 'open'; readonly rate: number; readonly ms: number };

/** What one client saw of one phase, and what its bus counted meanwhile. */
export interface LoadReport {
  readonly offered: number;
  /** Calls that ended, by how: `ok`, or the class of the error. */
  readonly ended: Readonly<Record<string, number>>;
  /** Calls answered before the phase was over, a second. */
  readonly answeredPerSecond: number;
  /** Latencies of answered and of refused calls, as `LatencyHistogram.counts()` gives them. */
  readonly answers: readonly number[];
  readonly refusals: readonly number[];
  /** `bus_requests_total` by result, as it grew in this phase. */
  readonly results: Readonly<Record<string, number>>;
  /** `bus_overflow_total` by gate, as it grew in this phase. */
  readonly overflow: Readonly<Record<string, number>>;
  /** `bus_published_total`, as it grew in this phase. */
  readonly published: number;
}

export type OverflowMessage = { readonly type: 'ready' } | { readonly type: 'report'; readonly report: LoadReport };
