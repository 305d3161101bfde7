import type { RouteName } from './routes.ts';

/** Service-level objectives. Imports no value: histogram edges, rules and load thresholds read the same numbers. */
interface Slo {
  /** Share of events that must be good. */
  readonly objective: number;
  /** Below so many events a second nobody is told: a few bad events of a quiet hour are not a trend. */
  readonly floorPerSecond: number;
  readonly why: string;
}

/** Good is a request of these routes answered at or under the bound, as the edge measures it: the gateway, or the registry's own port. */
export interface LatencySlo extends Slo {
  readonly kind: 'latency';
  readonly routes: readonly RouteName[];
  /** The bound in seconds: always an exact edge of LATENCY_BUCKETS_SECONDS. */
  readonly boundSeconds: number;
}

/** Good is an answer of the gateway whose code does not match. */
export interface AnswerSlo extends Slo {
  readonly kind: 'answers';
  /** Codes of bad answers, an anchored regular expression (RE2). */
  readonly badCodes: string;
}

/** Good is a frame offered to the bus that met no full bound. */
export interface BusSlo extends Slo {
  readonly kind: 'bus';
}

export type AnySlo = LatencySlo | AnswerSlo | BusSlo;

/** Of 360 events an hour the fast page of a 99.9 % objective needs five bad ones. */
const FLOOR_PER_SECOND = 0.1;

export const SLOS = Object.freeze({
  object_get_latency: {
    kind: 'latency',
    objective: 0.95,
    routes: ['objectGet', 'objectHead', 'nameRead'],
    boundSeconds: 0.08,
    floorPerSecond: FLOOR_PER_SECOND,
    why: 'p95 GET within a region',
  },
  object_get_latency_far: {
    kind: 'latency',
    objective: 0.95,
    routes: ['objectGet', 'objectHead', 'nameRead'],
    boundSeconds: 0.2,
    floorPerSecond: FLOOR_PER_SECOND,
    why: 'p95 GET with 100 ms of delay between regions',
  },
  object_put_latency: {
    kind: 'latency',
    objective: 0.95,
    routes: ['objectPut'],
    boundSeconds: 0.15,
    floorPerSecond: FLOOR_PER_SECOND,
    why: 'p95 PUT in any region',
  },
  registry_head_latency: {
    kind: 'latency',
    objective: 0.95,
    routes: ['registryHead'],
    boundSeconds: 0.05,
    floorPerSecond: FLOOR_PER_SECOND,
    why: 'p95 of the head of the registry within a region',
  },
  registry_entry_latency: {
    kind: 'latency',
    objective: 0.95,
    routes: ['registryEntry'],
    boundSeconds: 0.1,
    floorPerSecond: FLOOR_PER_SECOND,
    why: 'p95 of one version of the registry within a region',
  },
  registry_commit_latency: {
    kind: 'latency',
    objective: 0.95,
    routes: ['registryCommit'],
    boundSeconds: 0.75,
    floorPerSecond: FLOOR_PER_SECOND,
    why: 'p95 of a commit at up to five a second',
  },
  registry_commit_latency_tail: {
    kind: 'latency',
    objective: 0.99,
    routes: ['registryCommit'],
    boundSeconds: 1.2,
    floorPerSecond: FLOOR_PER_SECOND,
    why: 'p99 of a commit at up to five a second',
  },
  availability: {
    kind: 'answers',
    objective: 0.999,
    badCodes: '5..',
    floorPerSecond: FLOOR_PER_SECOND,
    why: 'answers that are not 5xx',
  },
  admission: {
    kind: 'answers',
    objective: 0.99,
    badCodes: '429|503',
    floorPerSecond: FLOOR_PER_SECOND,
    why: 'requests not refused with 429 or 503 at rated load',
  },
  bus_delivery: {
    kind: 'bus',
    objective: 0.9999,
    floorPerSecond: FLOOR_PER_SECOND,
    why: 'published frames that met no overflow',
  },
} as const satisfies Record<string, AnySlo>);

export type SloName = keyof typeof SLOS;

/**
 * Edges of every request-latency histogram, in seconds. Each latency bound of the SLOs is an exact edge
 * (.05 .08 .09 .1 .15 .2 .35 .75 1.2), so that no SLI is interpolated.
 */
export const LATENCY_BUCKETS_SECONDS: readonly number[] = Object.freeze([
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.08, 0.09, 0.1, 0.15, 0.2, 0.35, 0.5, 0.75, 1.2, 2.5, 5,
]);
