import type { Board } from '../../panel.ts';
import { PROMETHEUS, TEMPO } from '../../panels/datasource.ts';
import type { Json } from '../../panels/json.ts';
import { seriesOf } from '../catalogue.ts';
import { type Matcher, selectorsIn } from '../promql.ts';
import { type Broken, eachQuery, panelsOf, type Rule, type Subject } from '../rule.ts';

/** Where a dashboard may send people. Any other host is somebody's own. */
const RUNBOOK_HOST = 'https://github.com/macronode/macronode/';

const uidOf = (datasource: Json | undefined): unknown => datasource?.['uid'];

/** D5: one variable per type of source, and everything reads through it. */
function dataSources({ json }: Subject): readonly Broken[] {
  const variables = json.templating.list.filter(({ type }) => type === 'datasource');
  const names = variables.map(({ name }) => `\${${name}}`);
  const wanted = [PROMETHEUS.uid, TEMPO.uid];
  const sources = names.length === 2 && wanted.every((uid) => names.includes(uid));
  const queried = json.templating.list.filter(({ type }) => type === 'query');
  return [
    ...(sources ? [] : [{ says: `data source variables are ${names.join(', ')}, not ${wanted.join(', ')}` }]),
    ...queried
      .filter(({ datasource }) => uidOf(datasource) !== PROMETHEUS.uid)
      .map(({ name }) => ({ says: `variable ${name} does not read the data source variable` })),
    ...json.annotations.list
      .filter(({ datasource }) => uidOf(datasource) !== PROMETHEUS.uid)
      .map(({ name }) => ({ says: `annotation ${name} does not read the data source variable` })),
    ...panelsOf(json)
      .filter((panel) =>
        [panel, ...(panel.targets ?? [])].some(({ datasource }) => uidOf(datasource) !== PROMETHEUS.uid),
      )
      .map(({ title }) => ({ panel: title, says: 'does not read the data source variable' })),
  ];
}

function queryVariables({ json }: Subject): readonly Broken[] {
  return ['job', 'instance'].flatMap((name) => {
    const variable = json.templating.list.find((candidate) => candidate.name === name);
    if (variable === undefined) return [{ says: `has no variable ${name}` }];
    const { multi, includeAll, allValue, refresh } = variable;
    const complete = multi === true && includeAll === true && allValue === '.+' && refresh === 2;
    return complete ? [] : [{ says: `variable ${name} is not multi, with All as .+, refreshed with the time range` }];
  });
}

/** On a board of all services, a selector that names one is about every instance of it. */
export const isFleetTotal = ({ variables }: Board, matchers: readonly Matcher[]): boolean =>
  variables.some(({ name }) => name === 'service') &&
  matchers.some(({ label, operator }) => label === 'service' && operator === '=');

/** D6: every selector is narrowed by the variables whose labels its series carries. */
function narrowed(subject: Subject): readonly Broken[] {
  return eachQuery(subject, (expr) =>
    selectorsIn(expr).flatMap(({ metric, matchers }) => {
      const labels = seriesOf(subject.catalogue, metric)?.labels ?? [];
      const total = isFleetTotal(subject.board, matchers);
      return (total ? ['job'] : ['job', 'instance']).flatMap((label) => {
        const has = matchers.some(
          ({ label: name, operator, value }) => name === label && operator === '=~' && value === `$${label}`,
        );
        return labels.includes(label) && !has ? [`${metric} is not narrowed by $${label}`] : [];
      });
    }),
  );
}

/** Variables that a query asks for and the board has not: Grafana would send them as they are written. */
const missing = (subject: Subject): readonly Broken[] => {
  const names = new Set(subject.json.templating.list.map(({ name }) => name));
  return eachQuery(subject, (expr) =>
    [...expr.matchAll(/\$\{?([a-z_]+)/g)]
      .map(([, name = '']) => name)
      .filter((name) => !name.startsWith('__') && !names.has(name))
      .map((name) => `asks for $${name}, which the board has not`),
  );
};

/** D7: no address, tenant or instance of a machine somebody happens to have. */
function noHosts({ json }: Subject): readonly Broken[] {
  const text = JSON.stringify(json);
  const hosts = [...text.matchAll(/https?:\/\/[^"\\)\s]*/g)].map(([url]) => url);
  const foreign = hosts.filter((url) => !url.startsWith(RUNBOOK_HOST));
  const literal = /(instance|job)=\\"/.exec(text);
  return [
    ...foreign.map((url) => ({ says: `names the address ${url}` })),
    ...(literal === null ? [] : [{ says: `a selector names one ${literal[1] ?? ''}` }]),
  ];
}

/** D5 to D7. */
export const variableRules: readonly Rule[] = [
  { name: 'D5', check: dataSources },
  { name: 'D6', check: (subject) => [...queryVariables(subject), ...narrowed(subject), ...missing(subject)] },
  { name: 'D7', check: noHosts },
];
