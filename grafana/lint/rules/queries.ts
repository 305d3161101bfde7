import { seriesOf } from '../catalogue.ts';
import { nodesOf, parseQuery, selectorsIn, textOf } from '../promql.ts';
import { type Broken, eachPanel, eachQuery, type Rule, type Subject } from '../rule.ts';
import { MAX_SERIES, seriesBound } from '../series-bound.ts';

const RATES = new Set(['rate', 'irate', 'increase']);
/** Change with the zoom of the board. */
const ZOOM_DEPENDENT = new Set(['increase', 'delta', 'idelta']);
/** A number no average of means anything. */
const QUANTILE = /_p\d+$|_p\d+:|histogram_quantile/;

/** D8: a range is always the one Grafana chooses for the step. */
const ranges = (subject: Subject): readonly Broken[] =>
  eachQuery(subject, (expr) =>
    selectorsIn(expr)
      .filter(({ range }) => range !== undefined && range !== '$__rate_interval')
      .map(({ metric, range }) => `${metric} over ${range ?? ''}, not over $__rate_interval`),
  );

const counters = (subject: Subject): readonly Broken[] =>
  eachQuery(subject, (expr) =>
    selectorsIn(expr).flatMap(({ metric, rangeFunction }) => {
      const series = seriesOf(subject.catalogue, metric);
      if (series === undefined) return [];
      const counts = series.kind === 'counter' || series.kind === 'bucket' || series.kind === 'part';
      const rated = rangeFunction !== undefined && RATES.has(rangeFunction);
      if (counts && !rated) return [`the counter ${metric} is not inside a rate`];
      return !counts && rated ? [`${metric} is no counter, so it has no rate`] : [];
    }),
  );

const quantiles = (subject: Subject): readonly Broken[] =>
  eachQuery(subject, (expr) => {
    const query = parseQuery(expr);
    const unaggregated = nodesOf(query.root, 'FunctionCall')
      .map((call) => textOf(query, call))
      .filter((text) => text.startsWith('histogram_quantile') && !/sum\s*by\s*\([^)]*\ble\b/.test(text))
      .map(() => 'a quantile of buckets that are not summed by le');
    const averaged = nodesOf(query.root, 'AggregateExpr')
      .map((aggregate) => textOf(query, aggregate))
      .filter((text) => /^(avg|sum)\b/.test(text) && QUANTILE.test(text))
      .map(() => 'an average or a sum of quantiles');
    return [...unaggregated, ...averaged];
  });

/** D10: numbers that do not change when somebody zooms. */
const zoom = (subject: Subject): readonly Broken[] =>
  eachQuery(subject, (expr) => {
    const query = parseQuery(expr);
    return nodesOf(query.root, 'FunctionIdentifier')
      .map((node) => textOf(query, node))
      .filter((name) => ZOOM_DEPENDENT.has(name))
      .map((name) => `${name} changes with the zoom`);
  });

/** D11: without traffic a ratio has no data, instead of 0/0. */
const guards = (subject: Subject): readonly Broken[] =>
  eachQuery(subject, (expr) => {
    const query = parseQuery(expr);
    return nodesOf(query.root, 'Div')
      .map((divide) => divide.nextSibling)
      .filter((whole) => whole !== null && whole.name !== 'NumberDurationLiteral')
      .map((whole) => (whole === null ? '' : textOf(query, whole)))
      .filter((whole) => !/> 0\s*\)+$/.test(whole))
      .map((whole) => `divides by ${whole} without a guard`);
  });

/** D11, of quantiles: without observations there is none, instead of NaN. */
const quantileGuards = (subject: Subject): readonly Broken[] =>
  eachQuery(subject, (expr) => {
    const query = parseQuery(expr);
    return nodesOf(query.root, 'HistogramQuantile')
      .map((name) => name.parent?.parent?.nextSibling?.name)
      .filter((next) => next !== 'Gte')
      .map(() => 'a quantile without a guard: NaN where nothing was observed');
  });

/** D11, the other half: who sees a share of errors also sees of how many. */
function besideRate({ board }: Subject): readonly Broken[] {
  const panels = board.rows.flatMap((row) => row.panels);
  const rated = panels.some(({ unit }) => unit === 'reqps' || unit === 'ops');
  const ratios = panels.filter(({ targets }) => targets.some(({ expr }) => /rate\(.*\/ \(/.test(expr)));
  return rated ? [] : ratios.map(({ title }) => ({ panel: title, says: 'is a ratio on a board without a rate' }));
}

/** D13: a panel people can read. */
const readable = (subject: Subject): readonly Broken[] =>
  eachPanel(subject, (panel) => {
    const bound = (panel.targets ?? []).reduce((sum, { expr }) => sum + seriesBound(expr, subject.catalogue), 0);
    const calcs: unknown = (panel.options?.['legend'] as { calcs?: unknown } | undefined)?.calcs;
    return [
      ...(bound > MAX_SERIES && panel.type !== 'table' ? [`may show ${bound} series, at most ${MAX_SERIES}`] : []),
      ...(panel.type === 'timeseries' && JSON.stringify(calcs) !== '["mean","max","lastNotNull"]'
        ? ['its legend is no table of mean, max and last']
        : []),
    ];
  });

/** D8 to D11 and D13; D12 is about all boards together. */
export const queryRules: readonly Rule[] = [
  { name: 'D8', check: ranges },
  { name: 'D9', check: (subject) => [...counters(subject), ...quantiles(subject)] },
  { name: 'D10', check: zoom },
  { name: 'D11', check: (subject) => [...guards(subject), ...quantileGuards(subject), ...besideRate(subject)] },
  { name: 'D13', check: readable },
];
