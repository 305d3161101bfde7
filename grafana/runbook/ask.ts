import type { CounterDeclaration, GaugeDeclaration, HistogramDeclaration } from '@macronode/metrics';
import { METRICS } from '../declared.ts';
import { gauge, increase, measured, quantile, rate } from '../rules/promql.ts';
import { RECORDED } from '../rules/recorded.ts';
import type { RunbookStep } from './entry.ts';

/** Seconds a step looks back: long enough for a slow scrape, short enough to be about now. */
const RANGE = 300;
/** Seconds a step looks back for what happens rarely. */
const HOUR = 3_600;

/** Queries of steps, by the labels that tell the diagnoses apart. */
export const perSecond = (metric: CounterDeclaration, by: string, matchers = ''): string =>
  rate(metric, by, RANGE, matchers);

export const inTheLastHour = (metric: CounterDeclaration, by: string): string => `${increase(metric, by, HOUR)} > 0`;

export const lowest = (metric: GaugeDeclaration, by: string): string => gauge('min', metric, by);
export const highest = (metric: GaugeDeclaration, by: string): string => gauge('max', metric, by);

export const p99 = (metric: HistogramDeclaration, by: string, matchers = ''): string =>
  measured(quantile(0.99, metric, by, RANGE, matchers));

/** Requests refused for one reason, by the service that refuses. */
export const refusedFor = (reason: string): string =>
  perSecond(METRICS.golden.rejected, 'service', `reason="${reason}"`);

/** A recorded series; those of a ticket are the ones its alert compares. */
export const recorded = (key: keyof typeof RECORDED, matchers = ''): string =>
  matchers === '' ? RECORDED[key] : `${RECORDED[key]}{${matchers}}`;

/** A question to Prometheus. */
export const ask = (say: string, query: string, expect: string): RunbookStep => ({ say, query, expect });

/** A command to type. */
export const type = (say: string, command: string, expect: string): RunbookStep => ({ say, command, expect });
