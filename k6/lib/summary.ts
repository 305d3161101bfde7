import { CALM } from '../profiles/chaos.ts';
import { metricIn, metricOf, objectivesOf, percentileOf, type Region } from '../profiles/thresholds.ts';
import type { Wishes } from '../profiles/profiles.ts';
import type { Settings } from './settings.ts';

interface Metric {
  readonly values: Readonly<Record<string, number>>;
  readonly thresholds?: Readonly<Record<string, { readonly ok: boolean }>>;
}

interface Check {
  readonly name: string;
  readonly passes: number;
  readonly fails: number;
}

/** What k6 hands to handleSummary, as far as it is read here. */
export interface SummaryData {
  readonly metrics: Readonly<Record<string, Metric>>;
  readonly root_group: { readonly checks: readonly Check[] };
  readonly state: { readonly testRunDurationMs: number };
}

/** The result of k6 as JSON. */
export interface RunReport {
  readonly profile: string;
  readonly wishes: Wishes;
  readonly url: string;
  readonly date: string;
  readonly durationMs: number;
  readonly passed: boolean;
  /** Thresholds that were crossed. */
  readonly failed: readonly string[];
  readonly metrics: Readonly<Record<string, Metric>>;
  readonly checks: readonly Check[];
}

/** The longest tag of an objective. */
const TAG_CHARS = 27;

const ms = (value: number | undefined): string => (value === undefined ? '-' : `${value.toFixed(1)} ms`);

function failedThresholds(metrics: SummaryData['metrics']): string[] {
  return Object.entries(metrics).flatMap(([metric, { thresholds }]) =>
    Object.entries(thresholds ?? {}).flatMap(([expression, { ok }]) => (ok ? [] : [`${metric}: ${expression}`])),
  );
}

function objectiveLines(metrics: SummaryData['metrics'], region: Region): string[] {
  return objectivesOf(region).map((objective) => {
    const percentile = percentileOf(objective);
    const { max, [percentile]: measured } = metrics[metricOf(objective)]?.values ?? {};
    const bound = objective.latency.boundSeconds * 1000;
    const calm = metrics[metricIn(CALM, objective)]?.values[percentile];
    const judged = calm === undefined ? '' : `, ${ms(calm)} without faults`;
    return `  ${objective.tag.padEnd(TAG_CHARS)} ${percentile} ${(max === 0 ? '-' : ms(measured)).padStart(9)}${judged}   objective ${bound} ms`;
  });
}

const percent = (rate: number | undefined): string => `${(100 * (rate ?? 0)).toFixed(2)} %`;

function refusalLines(metrics: SummaryData['metrics']): string[] {
  const rateOf = (name: string): number | undefined => metrics[name]?.values['rate'];
  const countOf = (name: string): number => metrics[name]?.values['count'] ?? 0;
  return [
    `  refused ${percent(rateOf('refused'))}, unavailable ${percent(rateOf('unavailable'))}, otherwise wrong ${countOf('broken')}, dropped iterations ${countOf('dropped_iterations')}`,
  ];
}

/** A few lines for people, and the whole as JSON for whatever compares runs. */
export function summarise(
  data: SummaryData,
  { profile, wishes, baseUrl, summaryFile }: Settings,
): Record<string, string> {
  const { metrics, root_group, state } = data;
  const failed = failedThresholds(metrics);
  const broken = root_group.checks.filter(({ fails }) => fails > 0);
  const checks = metrics['checks']?.values ?? {};
  const total = (checks['passes'] ?? 0) + (checks['fails'] ?? 0);
  const lines = [
    '',
    `${profile} against ${baseUrl}: ${failed.length === 0 ? 'every threshold held' : 'thresholds CROSSED'}`,
    `  ${metrics['http_reqs']?.values['count'] ?? 0} requests in ${(state.testRunDurationMs / 1000).toFixed(1)} s, ${checks['passes'] ?? 0} of ${total} checks hold`,
    ...objectiveLines(metrics, wishes.region ?? 'near'),
    ...refusalLines(metrics),
    ...broken.map(({ name, fails }) => `  check failed ${fails} times: ${name}`),
    ...failed.map((threshold) => `  threshold crossed: ${threshold}`),
    '',
  ];
  const report: RunReport = {
    durationMs: state.testRunDurationMs,
    profile,
    wishes,
    url: baseUrl,
    date: new Date().toISOString(),
    passed: failed.length === 0,
    failed,
    metrics,
    checks: root_group.checks,
  };
  return {
    stdout: `${lines.join('\n')}\n`,
    ...(summaryFile === '' ? {} : { [summaryFile]: JSON.stringify(report, null, 2) }),
  };
}
