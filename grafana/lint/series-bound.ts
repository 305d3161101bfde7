import { type Catalogue, seriesOf } from './catalogue.ts';
import { keptLabels } from './kept-labels.ts';
import { selectorsIn } from './promql.ts';

/** Lines a person can tell apart. */
export const MAX_SERIES = 20;

/** How many values a label takes on a node of ordinary size; a process has one service and one build. */
const USUAL_VALUES: Readonly<Record<string, number>> = Object.freeze({
  job: 1,
  instance: 10,
  service: 6,
  slo: 8,
  window: 7,
  stream: 2,
  version: 1,
  git_sha: 1,
  node: 1,
});
/** Of a label nobody bounds. */
const MANY = 1_000;

function valuesOf(label: string, expr: string, catalogue: Catalogue): number {
  const usual = USUAL_VALUES[label];
  const counts = selectorsIn(expr).flatMap(({ metric, matchers }) => {
    const declaration = seriesOf(catalogue, metric)?.declaration;
    if (declaration === undefined) return [];
    if (label === 'le') return declaration.type === 'histogram' ? [declaration.buckets.length + 1] : [];
    const spec = declaration.labels[label];
    if (spec === undefined) return [];
    if (matchers.some((matcher) => matcher.label === label && matcher.operator === '=')) return [1];
    return ['max' in spec ? spec.max : spec.length];
  });
  if (counts.length > 0) return Math.max(...counts);
  return usual ?? MANY;
}

/** The most series a query gives on a node of ordinary size. */
export function seriesBound(expr: string, catalogue: Catalogue): number {
  const top = /^(?:topk|bottomk)\((\d+),/.exec(expr);
  const labels = keptLabels(expr, (metric) => seriesOf(catalogue, metric)?.labels);
  const product = [...labels]
    // The instance says which service it is.
    .filter((label) => label !== 'service' || !labels.has('instance'))
    .reduce((count, label) => count * valuesOf(label, expr, catalogue), 1);
  return top === null ? product : Math.min(Number(top[1]), product);
}
