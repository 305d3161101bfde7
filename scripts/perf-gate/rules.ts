import { SLOS } from '../../packages/contracts/src/slo.ts';
import type { Sample } from './samples.ts';

/** What is compared between base and head, with the bound of the documents. */
export interface ComparedRule {
  readonly kind: 'compared';
  readonly value: (sample: Sample) => number;
  /** Whether more of it is worse. */
  readonly worse: 'more' | 'less';
  /** A change by this share for the worse fails. */
  readonly bound: number;
}

/** A budget the head alone must keep. */
export interface BudgetRule {
  readonly kind: 'budget';
  readonly bad: (sample: Sample) => number;
  readonly all: (sample: Sample) => number;
  /** Share of bad events that is allowed. */
  readonly budget: number;
}

const share = (objective: number): number => Number((1 - objective).toFixed(6));

/** The rules of the two performance documents (section 5), by name. */
export const RULES = Object.freeze({
  p95: { kind: 'compared', value: (sample) => sample.p95_ms, worse: 'more', bound: 0.1 },
  throughput: { kind: 'compared', value: (sample) => sample.rate, worse: 'less', bound: 0.1 },
  cpu: { kind: 'compared', value: (sample) => sample.cpu_us, worse: 'more', bound: 0.15 },
  memory: { kind: 'compared', value: (sample) => sample.memory_mib, worse: 'more', bound: 0.15 },
  errors_5xx: {
    kind: 'budget',
    bad: (sample) => sample.errors_5xx,
    all: (sample) => sample.requests,
    budget: share(SLOS.availability.objective),
  },
  rejects: {
    kind: 'budget',
    bad: (sample) => sample.rejects,
    all: (sample) => sample.requests,
    budget: share(SLOS.admission.objective),
  },
  bus_overflow: {
    kind: 'budget',
    bad: (sample) => sample.overflows,
    all: (sample) => sample.frames,
    budget: share(SLOS.bus_delivery.objective),
  },
} as const satisfies Record<string, ComparedRule | BudgetRule>);

export type RuleName = keyof typeof RULES;
export const RULE_NAMES = Object.keys(RULES) as RuleName[];

/** Series that must be there, and the service whose presence asks for them: `any` is always there. */
export const GOLDEN_SERIES: Readonly<Record<string, string>> = Object.freeze({
  http_requests_total: 'any',
  request_latency_seconds: 'any',
  rejected_total: 'any',
  bus_lagged_total: 'any',
  registry_checkpoint_age_seconds: 'registry',
});
