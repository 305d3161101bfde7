import { ROUTES, type RouteName } from '../../packages/contracts/src/routes.ts';
import { SLOS, type LatencySlo } from '../../packages/contracts/src/slo.ts';

/** The routes a latency objective speaks of, with the name tag their requests carry. */
export interface Objective {
  readonly slo: keyof typeof SLOS;
  readonly tag: string;
  readonly latency: LatencySlo;
}

const objective = (slo: 'object_get_latency' | 'object_put_latency', route: RouteName): Objective => ({
  slo,
  tag: `${ROUTES[route].method} ${ROUTES[route].template}`,
  latency: SLOS[slo],
});

export const OBJECTIVES: readonly Objective[] = [
  objective('object_get_latency', 'objectGet'),
  objective('object_get_latency', 'objectHead'),
  objective('object_get_latency', 'nameRead'),
  objective('object_put_latency', 'objectPut'),
];

export const metricOf = ({ tag }: Objective): string => `http_req_duration{name:${tag}}`;

/** A run too short to judge a percentile still shows it: k6 keeps a series per tag only where a threshold names it. */
export const shownOnly = (): Record<string, string[]> =>
  Object.fromEntries(OBJECTIVES.map((one) => [metricOf(one), ['max>=0']]));
