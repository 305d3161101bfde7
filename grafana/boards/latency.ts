import type { HistogramDeclaration } from '@macronode/metrics';
import { TRACED } from '../declared.ts';
import type { Target } from '../panel.ts';
import { type Series, top } from '../series.ts';

/** Exemplars, of the histograms that have any. */
const exemplarsOf = ({ name }: HistogramDeclaration): Pick<Target, 'exemplar'> =>
  TRACED.has(name) ? { exemplar: true } : {};

/** The 50th, 95th and 99th percentile. */
export const percentiles = ({ quantile }: Series, metric: HistogramDeclaration, extra = ''): readonly Target[] =>
  [0.5, 0.95, 0.99].map((q) => ({
    expr: quantile(q, metric, '', extra),
    legend: `p${q * 100}`,
    ...exemplarsOf(metric),
  }));

/** What a heatmap draws. */
export const bucketsOf = ({ buckets }: Series, metric: HistogramDeclaration, extra = ''): readonly Target[] => [
  { expr: buckets(metric, '', extra), legend: '{{le}}', ...exemplarsOf(metric) },
];

/** The 95th percentile by a label: the slowest fifteen. */
export const slowest = ({ quantile }: Series, metric: HistogramDeclaration, by: string, legend: string): Target => ({
  expr: top(15, quantile(0.95, metric, by)),
  legend,
  ...exemplarsOf(metric),
});
