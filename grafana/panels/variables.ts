import type { BoardVariable } from '../panel.ts';
import { PROMETHEUS, TEMPO } from './datasource.ts';
import type { Json, VariableJson } from './json.ts';

/** On time range change: a process that came or went is in the list. */
const ON_TIME_RANGE = 2;
const ON_LOAD = 1;
const ALPHABETICAL = 1;

const sourceVariable = (uid: string, query: string, label: string): VariableJson & Json => ({
  current: {},
  label,
  name: uid.slice(2, -1),
  query,
  refresh: ON_LOAD,
  type: 'datasource',
});

const queryVariable = ({ name, label, query }: BoardVariable): VariableJson & Json => ({
  allValue: '.+',
  current: { selected: true, text: 'All', value: '$__all' },
  datasource: PROMETHEUS,
  includeAll: true,
  label,
  multi: true,
  name,
  query: { query, refId: 'PrometheusVariableQueryEditor-VariableQuery' },
  refresh: ON_TIME_RANGE,
  sort: ALPHABETICAL,
  type: 'query',
});

/** The data sources, then the query variables of the board. */
export const variablesJson = (variables: readonly BoardVariable[]): readonly VariableJson[] => [
  sourceVariable(PROMETHEUS.uid, 'prometheus', 'Prometheus data source'),
  sourceVariable(TEMPO.uid, 'tempo', 'Tempo data source'),
  ...variables.map(queryVariable),
];
