import type { Scenario } from 'k6/options';
import { JOURNEYS, type JourneyName } from '../flows/journeys.ts';

/** How a rate of requests is spread over flows: parts of the whole, from 0 to 1. */
export type Shares = Readonly<Partial<Record<JourneyName, number>>>;

/** A stretch of load: the rate at its end, in requests a second. */
export interface Stretch {
  readonly rate: number;
  readonly seconds: number;
}

/** Slowest one in a hundred at rated load: the bound of a PUT. */
export const RATED_P99_S = 0.15;
/** The same where more is offered than the node takes: what is not refused waits. */
export const OVERLOAD_P99_S = 0.5;
/** Answers that are late together need users at once. */
const HEADROOM = 1.5;
/** A stall of a few tenths of a second drops nothing at the rate of a slow flow, and a user that waits costs nothing. */
const USERS_MIN = 20;
/** More users of one k6 are memory (about half a MiB each) and switching, not load. */
const USERS_MAX = 4_000;
/** Arrivals are integers: a minute holds the rate of a slow flow. */
const UNIT_S = 60;

/** Users for a rate of requests a second, all of them made before the run: one made during it would drop arrivals. */
export function usersFor(rate: number, p99S: number): number {
  const users = Math.max(USERS_MIN, Math.ceil(rate * p99S * HEADROOM));
  if (users > USERS_MAX) {
    throw new Error(
      `${Math.round(rate)} requests/s take ${users} users, more than the ${USERS_MAX} one k6 may have: lower --rate, or use npm run load -- bulk`,
    );
  }
  return users;
}

/** Turns a minute that make so many requests a second. */
const turnsPerMinute = (flow: JourneyName, rate: number): number =>
  Math.max(1, Math.round((rate * UNIT_S) / JOURNEYS[flow].requestsPerTurn));

const common = (flow: JourneyName, users: number) => ({
  exec: 'turn',
  timeUnit: `${UNIT_S}s`,
  preAllocatedVUs: users,
  maxVUs: users,
  tags: { flow },
});

/** One scenario for each flow, at one rate for the whole time. */
export function constantArrivals(
  shares: Shares,
  { rate, seconds }: Stretch,
  p99S: number = RATED_P99_S,
): Record<string, Scenario> {
  return eachFlow(shares, (flow, share) => ({
    ...common(flow, usersFor(rate * share, p99S)),
    executor: 'constant-arrival-rate',
    rate: turnsPerMinute(flow, rate * share),
    duration: `${seconds}s`,
  }));
}

/** One scenario for each flow, its rate led from stretch to stretch; a stretch of 0 s is a step. */
export function rampingArrivals(
  shares: Shares,
  start: number,
  stretches: readonly Stretch[],
  p99S: number,
): Record<string, Scenario> {
  const peak = Math.max(start, ...stretches.map(({ rate }) => rate));
  return eachFlow(shares, (flow, share) => ({
    ...common(flow, usersFor(peak * share, p99S)),
    executor: 'ramping-arrival-rate',
    startRate: turnsPerMinute(flow, start * share),
    stages: stretches.map(({ rate, seconds }) => ({
      target: turnsPerMinute(flow, rate * share),
      duration: `${seconds}s`,
    })),
  }));
}

const eachFlow = (shares: Shares, scenario: (flow: JourneyName, share: number) => Scenario): Record<string, Scenario> =>
  Object.fromEntries(Object.entries(shares).map(([flow, share]) => [flow, scenario(flow as JourneyName, share)]));

const secondsOf = (duration: string): number => Number(duration.replace(/s$/, ''));

/** Turns a scenario begins at most. */
export function turnsOf(scenario: Scenario): number {
  switch (scenario.executor) {
    case 'constant-arrival-rate':
      return Math.ceil((scenario.rate * secondsOf(scenario.duration)) / UNIT_S) + 1;
    case 'ramping-arrival-rate': {
      let from = scenario.startRate ?? 0;
      let turns = 0;
      for (const { target, duration } of scenario.stages) {
        turns += (((from + target) / 2) * secondsOf(duration)) / UNIT_S;
        from = target;
      }
      return Math.ceil(turns) + 1;
    }
    case 'per-vu-iterations':
      return (scenario.vus ?? 1) * (scenario.iterations ?? 1);
    default:
      throw new Error(`nobody knows how many turns ${scenario.executor} makes`);
  }
}

/** Users of a scenario. */
export function usersOf(scenario: Scenario): number {
  if ('preAllocatedVUs' in scenario) return scenario.preAllocatedVUs;
  return ('vus' in scenario ? scenario.vus : undefined) ?? 1;
}
