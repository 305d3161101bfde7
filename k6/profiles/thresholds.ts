import type { Threshold } from 'k6/options';
import { ROUTES } from '../../packages/contracts/src/routes.ts';
import { type AnySlo, type LatencySlo, SLOS } from '../../packages/contracts/src/slo.ts';
import type { JourneyName } from '../flows/journeys.ts';

export type Thresholds = Record<string, (string | Exclude<Threshold, string>)[]>;

/** Which objective reads are held to: within a region, or with 100 ms between regions. */
export type Region = 'near' | 'far';

/** One route of a latency objective, with the name tag its requests carry. */
export interface Objective {
  readonly slo: keyof typeof SLOS;
  readonly tag: string;
  readonly latency: LatencySlo;
}

/** Of reads within a region, and of those between regions; all others are of both. */
const NEAR: readonly string[] = ['object_get_latency', 'registry_head_latency', 'registry_entry_latency'];
const FAR: readonly string[] = ['object_get_latency_far'];
const NOT_OF: Readonly<Record<Region, readonly string[]>> = { near: FAR, far: NEAR };

/** One for each route of each latency objective of the region. */
export const objectivesOf = (region: Region): readonly Objective[] =>
  (Object.entries(SLOS) as [keyof typeof SLOS, AnySlo][]).flatMap(([slo, latency]) =>
    latency.kind === 'latency' && !NOT_OF[region].includes(slo)
      ? latency.routes.map((route) => ({ slo, tag: `${ROUTES[route].method} ${ROUTES[route].template}`, latency }))
      : [],
  );

/** Refusals and failures are quick, and must not make a node look fast. */
export const latencyOf = (tag: string): string => `http_req_duration{name:${tag},expected_response:true}`;

export const metricOf = ({ tag }: Objective): string => latencyOf(tag);

/** The same in the stretches of one name. */
export const metricIn = (phase: string, { tag }: Objective): string =>
  `http_req_duration{name:${tag},expected_response:true,phase:${phase}}`;

/** The name tag of every route. */
export const everyRoute: readonly string[] = Object.values(ROUTES).map(
  ({ method, template }) => `${method} ${template}`,
);

const share = (objective: number): number => Number((1 - objective).toFixed(6));

/** k6 keeps numbers per tag only where a threshold names it; this one always holds. */
const SHOWN = ['max>=0'];

export const shown = (metrics: readonly string[]): Thresholds =>
  Object.fromEntries(metrics.map((metric) => [metric, SHOWN]));

export const shownCounts = (metrics: readonly string[]): Thresholds =>
  Object.fromEntries(metrics.map((metric) => [metric, ['count>=0']]));

export const shownRates = (metrics: readonly string[]): Thresholds =>
  Object.fromEntries(metrics.map((metric) => [metric, ['rate>=0']]));

/** Latencies of every route, kept for the summary and not judged. */
export const shownLatencies: Thresholds = shown(everyRoute.map(latencyOf));

/** The percentile an objective is said of. */
export const percentileOf = ({ latency }: Objective): string => `p(${latency.objective * 100})`;

const latencyBound = (one: Objective): string => `${percentileOf(one)}<=${one.latency.boundSeconds * 1_000}`;

/** A route may have more than one: one of most requests and one of the slowest. */
function latencyBounds(region: Region, metric: (one: Objective) => string): Thresholds {
  const bounds: Thresholds = {};
  for (const one of objectivesOf(region)) (bounds[metric(one)] ??= []).push(latencyBound(one));
  return bounds;
}
const AVAILABILITY = [`rate<=${share(SLOS.availability.objective)}`];
const ADMISSION = [`rate<=${share(SLOS.admission.objective)}`];

/** The objectives as they are, at the edge where users are: for each route its latency. */
export const latencyThresholds = (region: Region): Thresholds => latencyBounds(region, metricOf);

/** Answers that are no 5xx, of all and of each flow. */
export const availabilityThresholds = (flows: readonly JourneyName[]): Thresholds =>
  ofEach('unavailable', flows, AVAILABILITY);

/** Requests not refused, of all and of each flow. */
export const admissionThresholds = (flows: readonly JourneyName[]): Thresholds => ofEach('refused', flows, ADMISSION);

/** All three in the stretches of one name only. */
export const phaseThresholds = (phase: string, region: Region): Thresholds => ({
  ...latencyBounds(region, (one) => metricIn(phase, one)),
  [`unavailable{phase:${phase}}`]: AVAILABILITY,
  [`refused{phase:${phase}}`]: ADMISSION,
  [`http_reqs{phase:${phase}}`]: ['count>0'],
});

/** What is answered is right, and no message comes after its receiver was told it is done with. */
export const CORRECTNESS: Thresholds = { checks: ['rate==1'], messages_after_ack: ['count==0'] };

/** Every arrival began: else the load was not the one that was asked for. */
export const noneDropped = (flows: readonly JourneyName[]): Thresholds => ({
  dropped_iterations: ['count==0'],
  ...Object.fromEntries(flows.map((flow) => [`dropped_iterations{scenario:${flow}}`, ['count==0']])),
});

function ofEach(metric: string, flows: readonly JourneyName[], expressions: string[]): Thresholds {
  const each = flows.map((flow) => [`${metric}{flow:${flow}}`, expressions]);
  return Object.fromEntries([[metric, expressions], ...each]) as Thresholds;
}
