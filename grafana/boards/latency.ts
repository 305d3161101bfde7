import type { HistogramDeclaration } from '@macronode/metrics';
import type { Target } from '../panel.ts';
import { type Series, top } from '../series.ts';

/** The 50th, 95th and 99th percentile, with exemplars. */
export const percentiles = ({ quantile }: Series, metric: HistogramDeclaration, extra = ''): readonly Target[] =>
  [0.5, 0.95, 0.99].map((q) => ({ expr: quantile(q, metric, '', extra), legend: `p${q * 100}`, exemplar: true }));

/** What a heatmap draws, with exemplars. */
export const bucketsOf = ({ buckets }: Series, metric: HistogramDeclaration, extra = ''): readonly Target[] => [
  { expr: buckets(metric, '', extra), legend: '{{le}}', exemplar: true },
];

/** The 95th percentile by a label: the slowest fifteen. */
export const slowest = ({ quantile }: Series, metric: HistogramDeclaration, by: string, legend: string): Target => ({
  expr: top(15, quantile(0.95, metric, by)),
  legend,
  exemplar: true,
});
