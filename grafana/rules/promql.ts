import type { CounterDeclaration, GaugeDeclaration, HistogramDeclaration } from '@macronode/metrics';

const selector = (name: string, matchers: string): string => (matchers === '' ? name : `${name}{${matchers}}`);

/** Per-second rate of a counter over `range` seconds, summed by labels. */
export const rate = ({ name }: CounterDeclaration, by: string, range: number, matchers = ''): string =>
  `sum by (${by}) (rate(${selector(name, matchers)}[${range}s]))`;

/** How much a counter grew in `range` seconds, summed by labels. */
export const increase = ({ name }: CounterDeclaration, by: string, range: number, matchers = ''): string =>
  `sum by (${by}) (increase(${selector(name, matchers)}[${range}s]))`;

/** A gauge, aggregated by labels. */
export const gauge = (operator: 'max' | 'min' | 'sum', { name }: GaugeDeclaration, by: string): string =>
  `${operator} by (${by}) (${name})`;

/** A quantile of a histogram over `range` seconds; NaN where nothing was observed. */
export const quantile = (q: number, { name }: HistogramDeclaration, by: string, range: number, matchers = ''): string =>
  `histogram_quantile(${q}, sum by (${by}, le) (rate(${selector(`${name}_bucket`, matchers)}[${range}s])))`;

/** Without the series that are NaN: a comparison with it never holds. */
export const measured = (expr: string): string => `${expr} >= 0`;
