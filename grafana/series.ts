import type { CounterDeclaration, GaugeDeclaration, HistogramDeclaration } from '@macronode/metrics';

/** What every selector carries: the board's variables. */
const SELECTED = 'job=~"$job",service=~"$service",instance=~"$instance"';

const matchers = (extra: string): string => (extra === '' ? SELECTED : `${SELECTED},${extra}`);

/** Per-second rate of a counter, summed by labels. */
export const rate = (metric: CounterDeclaration, by: string, extra = ''): string =>
  `sum by (${by}) (rate(${metric.name}{${matchers(extra)}}[$__rate_interval]))`;

/** A gauge, summed by labels. */
export const sum = (metric: GaugeDeclaration, by: string, extra = ''): string =>
  `sum by (${by}) (${metric.name}{${matchers(extra)}})`;

/** A gauge, its highest value by labels. */
export const max = (metric: GaugeDeclaration, by: string, extra = ''): string =>
  `max by (${by}) (${metric.name}{${matchers(extra)}})`;

/** A quantile of a histogram, aggregated before it is taken. */
export const quantile = (q: number, metric: HistogramDeclaration, by: string, extra = ''): string =>
  `histogram_quantile(${q}, sum by (le, ${by}) (rate(${metric.name}_bucket{${matchers(extra)}}[$__rate_interval])))`;

/** Mean of a histogram: sum over count. */
export const mean = (metric: HistogramDeclaration, by: string): string =>
  `sum by (${by}) (rate(${metric.name}_sum{${SELECTED}}[$__rate_interval])) / ` +
  `sum by (${by}) (rate(${metric.name}_count{${SELECTED}}[$__rate_interval]))`;

/** `part` over `whole`: 0 while no part was ever counted, no data instead of 0/0 without traffic. */
export const ratio = (part: string, whole: string): string => `((${part}) or (${whole}) * 0) / (${whole} > 0)`;
