import { COLUMNS } from '../../panels/grid.ts';
import type { PanelJson } from '../../panels/json.ts';
import { seriesOf } from '../catalogue.ts';
import { keptLabels } from '../kept-labels.ts';
import { selectorsIn, syntaxError, variableSelector } from '../promql.ts';
import { type Broken, eachPanel, eachQuery, panelsOf, type Rule, type Subject } from '../rule.ts';

const repeated = <T>(values: readonly T[]): readonly T[] =>
  values.filter((value, index) => values.indexOf(value) !== index);

/** L1: what Prometheus would refuse to read. */
function parsed(subject: Subject): readonly Broken[] {
  const { json } = subject;
  const variables = json.templating.list
    .filter(({ type }) => type === 'query')
    .map(({ name, query }) => [`variable ${name}`, variableSelector(query)] as const);
  const annotations = json.annotations.list.map(({ name, expr }) => [`annotation ${name}`, expr ?? ''] as const);
  return [
    ...eachQuery(subject, (expr) => syntaxError(expr)),
    ...[...variables, ...annotations].flatMap(([what, query]) => {
      const error = syntaxError(query);
      return error === undefined ? [] : [{ says: `${what}: ${error}` }];
    }),
  ];
}

/** Cells that two panels of one group share, or that lie outside the grid. */
function misplaced(group: readonly PanelJson[]): readonly Broken[] {
  const taken = new Set<string>();
  return group.flatMap(({ title, gridPos: { x, y, w, h } }) => {
    if (x < 0 || w < 1 || h < 1 || x + w > COLUMNS) return [{ panel: title, says: 'lies outside the 24 columns' }];
    const cells = Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`);
    const overlaps = cells.some((cell) => taken.has(cell));
    cells.forEach((cell) => taken.add(cell));
    return overlaps ? [{ panel: title, says: 'lies over another panel' }] : [];
  });
}

function grid({ json }: Subject): readonly Broken[] {
  const nested = json.panels.filter(({ panels }) => (panels?.length ?? 0) > 0);
  const ids = [...json.panels, ...nested.flatMap(({ panels }) => panels ?? [])].map(({ id }) => id);
  return [
    ...misplaced(json.panels),
    ...nested.flatMap(({ panels }) => misplaced(panels ?? [])),
    ...repeated(ids).map((id) => ({ says: `two panels have the id ${id}` })),
    ...repeated(panelsOf(json).map(({ title }) => title)).map((title) => ({ panel: title, says: 'is there twice' })),
  ];
}

const legends = (subject: Subject): readonly Broken[] =>
  eachPanel(subject, ({ targets = [] }) => [
    ...repeated(targets.map(({ refId }) => refId)).map((refId) => `two queries are called ${refId}`),
    ...targets.flatMap(({ expr, legendFormat, refId }) => {
      const kept = keptLabels(expr, (metric) => seriesOf(subject.catalogue, metric)?.labels);
      return [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)]
        .map(([, label = '']) => label)
        .filter((label) => !kept.has(label))
        .map((label) => `${refId}: its legend shows ${label}, which the query does not keep`);
    }),
  ]);

/** A query that asks nothing is no query. */
const asking = (subject: Subject): readonly Broken[] =>
  eachQuery(subject, (expr) => (selectorsIn(expr).length === 0 ? 'asks for no series' : undefined));

/** L1 and L2. */
export const shapeRules: readonly Rule[] = [
  { name: 'L1', check: parsed },
  { name: 'L2', check: (subject) => [...grid(subject), ...legends(subject), ...asking(subject)] },
];
