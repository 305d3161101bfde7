import { ROUTES, type RouteName } from '../../packages/contracts/src/routes.ts';
import { SLOS, type LatencySlo } from '../../packages/contracts/src/slo.ts';

/** The routes a latency objective speaks of, with the name tag their requests carry. */
export interface Objective {
  readonly slo: keyof typeof SLOS;
  readonly tag: string;
  readonly latency: LatencySlo;
}

/** One for each route of each objective that is measured within a region. */
export const OBJECTIVES: readonly Objective[] = (['object_get_latency', 'object_put_latency'] as const).flatMap((slo) =>
  SLOS[slo].routes.map((route: RouteName) => ({
    slo,
    tag: `${ROUTES[route].method} ${ROUTES[route].template}`,
    latency: SLOS[slo],
  })),
);

export const metricOf = ({ tag }: Objective): string => `http_req_duration{name:${tag}}`;

/** A run too short to judge a percentile still shows it: k6 keeps a series per tag only where a threshold names it. */
export const shownOnly = (): Record<string, string[]> =>
  Object.fromEntries(OBJECTIVES.map((one) => [metricOf(one), ['max>=0']]));

/** What a run long enough for percentiles is judged by: the objectives themselves, at the edge where users are. */
export const objectiveThresholds = (): Record<string, string[]> => ({
  ...Object.fromEntries(
    OBJECTIVES.map((one) => [
      metricOf(one),
      [`p(${one.latency.objective * 100})<=${one.latency.boundSeconds * 1_000}`],
    ]),
  ),
  http_req_failed: [`rate<=${Number((1 - SLOS.availability.objective).toFixed(6))}`],
});
