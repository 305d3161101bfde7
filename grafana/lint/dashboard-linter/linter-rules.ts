import type { PanelJson, VariableJson } from '../../panels/json.ts';
import { selectorsIn, syntaxError, variableSelector } from '../promql.ts';
import { type Broken, eachPanel, eachQuery, ofBoard, panelsOf, type Rule, type Subject } from '../rule.ts';

/** Kinds of panel the linter looks at; of heatmaps and state timelines it says nothing. */
const LOOKED_AT: ReadonlySet<string> = new Set(['stat', 'gauge', 'table', 'timeseries']);

const sourcesOf = ({ json }: Subject): readonly VariableJson[] =>
  json.templating.list.filter(({ type }) => type === 'datasource');

const variable = ({ json }: Subject, name: string): VariableJson | undefined =>
  json.templating.list.find((candidate) => candidate.name === name);

const titleCase = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/** Names it asks for: by type when a dashboard reads more than one. */
function templateDatasource(subject: Subject): readonly Broken[] {
  const sources = sourcesOf(subject);
  if (sources.length === 0) return [{ says: 'no data source variable' }];
  return sources.flatMap(({ name, label, query }) => {
    const type = String(query);
    const alone = sources.length === 1;
    const named = name === `${type}_datasource` || (alone && name === 'datasource');
    const labelled = label === `${titleCase(type)} data source` || (alone && label === 'Data source');
    return named && labelled ? [] : [{ says: `data source variable ${name}, labelled ${label}` }];
  });
}

const templateVariable = (name: string) => (subject: Subject) => {
  const found = variable(subject, name);
  if (found === undefined) return `no variable ${name}`;
  const reads = sourcesOf(subject).some((source) => found.datasource?.['uid'] === `\${${source.name}}`);
  const complete =
    found.type === 'query' &&
    reads &&
    found.label === titleCase(name) &&
    found.multi === true &&
    found.allValue === '.+';
  return !complete && `variable ${name} is not a multi query labelled ${titleCase(name)}, All as .+`;
};

const looked = (subject: Subject, check: (panel: PanelJson) => string | undefined): readonly Broken[] =>
  eachPanel(subject, (panel) => (LOOKED_AT.has(panel.type) ? check(panel) : undefined));

/** Every selector of a target has `label=~"$label"`. */
const targetMatcher = (label: string) => (subject: Subject) =>
  eachQuery(subject, (expr) =>
    selectorsIn(expr)
      .filter(
        ({ matchers }) =>
          !matchers.some(
            (matcher) => matcher.label === label && matcher.operator === '=~' && matcher.value === `$${label}`,
          ),
      )
      .map(({ metric }) => `${metric} without ${label}=~"$${label}"`),
  );

const rateInterval = (subject: Subject): readonly Broken[] =>
  eachQuery(subject, (expr) =>
    selectorsIn(expr)
      .filter(({ range, rangeFunction = '' }) => /^i?rate$/.test(rangeFunction) && range !== '$__rate_interval')
      .map(({ metric }) => `${metric} not over $__rate_interval`),
  );

const counterAggregation = (subject: Subject): readonly Broken[] =>
  eachQuery(subject, (expr) =>
    selectorsIn(expr)
      .filter(
        ({ metric, rangeFunction = '' }) => metric.endsWith('_total') && !/^(i?rate|increase)$/.test(rangeFunction),
      )
      .map(({ metric }) => `${metric} is not aggregated with rate, irate or increase`),
  );

const labelQuery = ({ json }: Subject): readonly Broken[] =>
  json.templating.list
    .filter(({ type }) => type === 'query')
    .flatMap(({ name, query }) => {
      const error = syntaxError(variableSelector(query));
      return error === undefined ? [] : [{ says: `variable ${name}: ${error}` }];
    });

/** What grafana/dashboard-linter checks of Prometheus dashboards, under its names, with `--strict`: a warning is a finding. */
export const linterRules: readonly Rule[] = [
  { name: 'template-datasource-rule', check: templateDatasource },
  ofBoard('template-job-rule', templateVariable('job')),
  ofBoard('template-instance-rule', templateVariable('instance')),
  { name: 'template-label-promql-rule', check: labelQuery },
  {
    name: 'template-on-time-change-reload-rule',
    check: ({ json }) =>
      json.templating.list
        .filter(({ type, refresh }) => type === 'query' && refresh !== 2)
        .map(({ name }) => ({ says: `variable ${name} is not refreshed on time range change` })),
  },
  {
    name: 'panel-datasource-rule',
    check: (subject) => {
      const uids = sourcesOf(subject).map(({ name }) => `\${${name}}`);
      return looked(subject, ({ datasource }) =>
        uids.includes(String(datasource?.['uid'])) ? undefined : 'no data source variable',
      );
    },
  },
  {
    name: 'panel-title-description-rule',
    check: (subject) =>
      looked(subject, ({ title, description = '' }) =>
        title === '' || description === '' ? 'no title or no description' : undefined,
      ),
  },
  {
    name: 'panel-units-rule',
    check: (subject) =>
      looked(subject, ({ fieldConfig }) => ((fieldConfig?.defaults.unit ?? '') === '' ? 'no unit' : undefined)),
  },
  {
    name: 'panel-no-targets-rule',
    check: ({ json }) =>
      panelsOf(json)
        .filter(({ targets = [] }) => targets.length === 0)
        .map(({ title }) => ({ panel: title, says: 'no target' })),
  },
  { name: 'target-promql-rule', check: (subject) => eachQuery(subject, (expr) => syntaxError(expr)) },
  { name: 'target-rate-interval-rule', check: rateInterval },
  { name: 'target-job-rule', check: targetMatcher('job') },
  { name: 'target-instance-rule', check: targetMatcher('instance') },
  { name: 'target-counter-agg-rule', check: counterAggregation },
  ofBoard('uneditable-dashboard', ({ json }) => json.editable && 'editable'),
];
