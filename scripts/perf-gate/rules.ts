import type { Counts, Sample } from './recording.ts';

/** A quantity of both sides, and how much worse than the base it may become. */
export interface Rule {
  readonly name: 'p95' | 'throughput' | 'cpu' | 'memory';
  readonly title: string;
  readonly worse: 'higher' | 'lower';
  /** A change by this share is a regression. */
  readonly bound: number;
  readonly of: (sample: Sample) => number;
}

/** The bounds are those of the performance documents. */
export const RULES: readonly Rule[] = [
  { name: 'p95', title: 'p95 at a fixed rate', worse: 'higher', bound: 0.1, of: (sample) => sample.p95Ms },
  {
    name: 'throughput',
    title: 'requests/s, closed loop',
    worse: 'lower',
    bound: 0.1,
    of: (sample) => sample.requestsPerSecond,
  },
  { name: 'cpu', title: 'CPU per request', worse: 'higher', bound: 0.15, of: (sample) => sample.cpuMicrosPerRequest },
  { name: 'memory', title: 'resident memory', worse: 'higher', bound: 0.15, of: (sample) => sample.residentBytes },
];

/** A share of what the working tree did that must stay below a limit, whatever the base did. */
export interface Budget {
  readonly name: 'server-errors' | 'rejects' | 'bus-overflow' | 'mailbox-stall' | 'wrong-answers';
  readonly title: string;
  readonly most: number;
  /** Never waived. */
  readonly mustFix: boolean;
  readonly share: (counts: Counts) => number;
}

const STALL = 'mailbox receive: the message sent comes';
const shareOf = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

export const BUDGETS: readonly Budget[] = [
  {
    name: 'server-errors',
    title: '5xx and no answer',
    most: 0.001,
    mustFix: false,
    share: ({ serverErrors, requests }) => shareOf(serverErrors, requests),
  },
  {
    name: 'rejects',
    title: '429 and 503',
    most: 0.01,
    mustFix: false,
    share: ({ rejects, requests }) => shareOf(rejects, requests),
  },
  {
    name: 'bus-overflow',
    title: 'bus messages lost or refused',
    most: 0.0001,
    mustFix: true,
    share: ({ busOverflow, busMessages }) => shareOf(busOverflow, busMessages),
  },
  {
    name: 'mailbox-stall',
    title: 'messages sent that did not come',
    most: 0,
    mustFix: true,
    share: ({ failedChecks, requests }) => shareOf(failedChecks[STALL] ?? 0, requests),
  },
  {
    name: 'wrong-answers',
    title: 'claims about answers that did not hold',
    most: 0,
    mustFix: false,
    share: ({ failedChecks, requests }) =>
      shareOf(sum(Object.values(failedChecks)) - (failedChecks[STALL] ?? 0), requests),
  },
];

/** Metrics a node may not lose. One with a `service` is due as soon as that service runs. */
export const GOLDEN_METRICS: readonly { readonly name: string; readonly service?: string }[] = [
  { name: 'http_requests_total' },
  { name: 'request_latency_seconds' },
  { name: 'rejected_total' },
  { name: 'bus_lagged_total' },
  { name: 'registry_checkpoint_age_seconds', service: 'registry' },
];

/**
 * What nobody may waive. The gate itself measures the first two; the others are watched by alerts and by the tests of the
 * service that owns them, and stand here so that no waiver is written for them. Those of the registry are the pages
 * RegistryAuditFailure, RegistryCheckpointStale and RegistryCommitSlow.
 */
export const MUST_FIX = [
  'bus-overflow',
  'mailbox-stall',
  'replication-quota',
  'audit-verify',
  'stale-checkpoint',
  'commit-p95',
] as const;

export const WAIVABLE = [
  'p95',
  'throughput',
  'cpu',
  'memory',
  'server-errors',
  'rejects',
  'wrong-answers',
  'golden-metric',
] as const;
