/** Service-level objectives. Imports nothing: histogram edges, rules and load thresholds read the same numbers. */
export interface LatencySlo {
  readonly kind: 'latency';
  /** Share of requests that must be at or under the bound. */
  readonly objective: number;
  /** The bound in seconds: always an exact edge of LATENCY_BUCKETS_SECONDS. */
  readonly boundSeconds: number;
  readonly why: string;
}

export interface RatioSlo {
  readonly kind: 'ratio';
  /** Share of events that must be good. */
  readonly objective: number;
  readonly why: string;
}

export const SLOS = Object.freeze({
  object_get_latency: { kind: 'latency', objective: 0.95, boundSeconds: 0.08, why: 'p95 GET within a region' },
  object_get_latency_far: {
    kind: 'latency',
    objective: 0.95,
    boundSeconds: 0.2,
    why: 'p95 GET with 100 ms of delay between regions',
  },
  object_put_latency: { kind: 'latency', objective: 0.95, boundSeconds: 0.15, why: 'p95 PUT in any region' },
  availability: { kind: 'ratio', objective: 0.999, why: 'answers that are not 5xx' },
  admission: { kind: 'ratio', objective: 0.99, why: 'requests not refused with 429 or 503 at rated load' },
  bus_delivery: { kind: 'ratio', objective: 0.9999, why: 'published frames that met no overflow' },
} as const satisfies Record<string, LatencySlo | RatioSlo>);

export type SloName = keyof typeof SLOS;

/**
 * Edges of every request-latency histogram, in seconds. Each latency bound of the SLOs is an exact edge
 * (.05 .08 .09 .1 .15 .2 .35 .75 1.2), so that no SLI is interpolated.
 */
export const LATENCY_BUCKETS_SECONDS: readonly number[] = Object.freeze([
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.08, 0.09, 0.1, 0.15, 0.2, 0.35, 0.5, 0.75, 1.2, 2.5, 5,
]);
