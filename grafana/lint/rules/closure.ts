import { SERVICES } from '@macronode/contracts';
import type { Declaration } from '@macronode/metrics';
import { type Catalogue, type KnownSeries, seriesOf } from '../catalogue.ts';
import { keptLabels } from '../kept-labels.ts';
import { type Matcher, nodesOf, parseQuery, type Selector, selectorsIn, textOf, variableSelector } from '../promql.ts';
import { type Broken, eachQuery, type Rule, type Subject } from '../rule.ts';

/** Unit of a panel that shows a metric as it is. */
const PANEL_UNIT: Readonly<Partial<Record<Declaration['unit'], string>>> = Object.freeze({
  seconds: 's',
  bytes: 'bytes',
  ratio: 'percentunit',
});

/** Values of a label whose list is closed. */
function valuesOf({ declaration }: KnownSeries, label: string): readonly string[] | undefined {
  if (label === 'service') return SERVICES;
  const spec = declaration?.labels[label];
  // The settings and the build of the running node are not known here.
  return spec === undefined || 'max' in spec || spec[0] === 'any' ? undefined : spec;
}

function matches({ operator, value }: Matcher, candidate: string): boolean {
  if (operator === '=' || operator === '!=') return candidate === value;
  return new RegExp(`^(?:${value})$`).test(candidate);
}

function matcherProblem(metric: string, series: KnownSeries, matcher: Matcher): readonly string[] {
  if (!series.labels.includes(matcher.label)) return [`${metric} has no label ${matcher.label}`];
  const values = matcher.value.startsWith('$') ? undefined : valuesOf(series, matcher.label);
  return values === undefined || values.some((value) => matches(matcher, value))
    ? []
    : [`no ${matcher.label} of ${metric} is ${matcher.value}`];
}

function selectorProblems(catalogue: Catalogue, { metric, matchers }: Selector): readonly string[] {
  const series = seriesOf(catalogue, metric);
  if (series === undefined) return [`${metric} is declared nowhere`];
  return matchers.flatMap((matcher) => matcherProblem(metric, series, matcher));
}

/** Labels asked for in `by` that what is aggregated does not have. */
function groupProblems(catalogue: Catalogue, expr: string): readonly string[] {
  const query = parseQuery(expr);
  return nodesOf(query.root, 'AggregateExpr').flatMap((aggregate) => {
    const modifier = aggregate.getChild('AggregateModifier');
    const body = aggregate.getChild('FunctionCallBody');
    if (modifier === null || body === null || modifier.getChild('By') === null) return [];
    const inner = textOf(query, { from: body.from + 1, to: body.to - 1 });
    const has = keptLabels(inner, (metric) => seriesOf(catalogue, metric)?.labels);
    return nodesOf(modifier, 'LabelName')
      .map((label) => textOf(query, label))
      .filter((label) => !has.has(label))
      .map((label) => `groups by ${label}, which nothing in it has`);
  });
}

/** What is wrong with the names of a query: series, labels and values nobody declares. */
export const queryProblems = (catalogue: Catalogue, expr: string): readonly string[] => [
  ...selectorsIn(expr).flatMap((selector) => selectorProblems(catalogue, selector)),
  ...groupProblems(catalogue, expr),
];

/** A metric shown as it is has the unit of its panel. */
const units = (subject: Subject): readonly Broken[] =>
  eachQuery(subject, (expr, { fieldConfig, type }) => {
    const [selector, ...others] = selectorsIn(expr);
    if (selector === undefined || others.length > 0 || selector.range !== undefined || type === 'table')
      return undefined;
    const wanted = PANEL_UNIT[seriesOf(subject.catalogue, selector.metric)?.declaration?.unit ?? 'count'];
    const shown = fieldConfig?.defaults.unit;
    return wanted === undefined || wanted === shown
      ? undefined
      : `${selector.metric} is in ${wanted}, shown in ${shown ?? 'none'}`;
  });

/** What variables and annotations ask for. */
const beside = ({ json, catalogue }: Subject): readonly Broken[] =>
  [
    ...json.templating.list.filter(({ type }) => type === 'query').map(({ query }) => variableSelector(query)),
    ...json.annotations.list.map(({ expr = '' }) => expr),
  ].flatMap((expr) => queryProblems(catalogue, expr).map((says) => ({ says })));

/** L4, of one board: every name in a query is declared, with that type, unit and label. */
export const closureRules: readonly Rule[] = [
  {
    name: 'L4',
    check: (subject) => [
      ...eachQuery(subject, (expr) => queryProblems(subject.catalogue, expr)),
      ...units(subject),
      ...beside(subject),
    ],
  },
];
