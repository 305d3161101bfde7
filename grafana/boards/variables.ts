import type { ServiceName } from '@macronode/contracts';
import { METRICS } from '../declared.ts';
import type { BoardVariable } from '../panel.ts';

/** A series every scraped process has: the variables read its labels. */
const ANCHOR = METRICS.state.readyz.name;

const JOB: BoardVariable = { name: 'job', label: 'Job', query: `label_values(${ANCHOR}, job)` };

/** Variables of a board that shows every service. */
export const FLEET_VARIABLES: readonly BoardVariable[] = [
  JOB,
  { name: 'service', label: 'Service', query: `label_values(${ANCHOR}{job=~"$job"}, service)` },
  {
    name: 'instance',
    label: 'Instance',
    query: `label_values(${ANCHOR}{job=~"$job",service=~"$service"}, instance)`,
  },
];

/** Variables of a board that shows one service, and perhaps those that answer for it: which of their instances. */
export const serviceVariables = (...services: readonly [ServiceName, ...ServiceName[]]): readonly BoardVariable[] => [
  JOB,
  {
    name: 'instance',
    label: 'Instance',
    query: `label_values(${ANCHOR}{job=~"$job",service${services.length === 1 ? '=' : '=~'}"${services.join('|')}"}, instance)`,
  },
];
