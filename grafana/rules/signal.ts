import type { Bound } from '../bounds.ts';
import type { Labels } from './labels.ts';
import { rangeSeconds, type RuleClock } from './clock.ts';

/** How a series goes on. */
export type Wave =
  /** Stands at a value. */
  | { readonly gauge: number }
  /** A counter that grows by so much a second. */
  | { readonly perSecond: number }
  /** A gauge that stands, towards the end rises by one so many times, once a scrape, and stands again. */
  | { readonly rises: number }
  /** No sample at all. */
  | 'missing';

/** One series of a process; `job`, `service` and `instance` are added by the case. */
export interface SignalSeries {
  readonly name: string;
  readonly labels?: Labels;
  readonly wave: Wave;
}
export type Signal = readonly SignalSeries[];

/** What the unit tests of an alert feed it. All of them name the same series. */
export interface Signals {
  /** The service of the process. */
  readonly service: string;
  /** Just beyond the bound. */
  readonly breaking: Signal;
  /** At the bound or just within: silent. */
  readonly holding: Signal;
  /** Counters that stand still: silent, whatever was counted before. */
  readonly idle?: Signal;
  /** As bad as can be, and too little of it to tell anybody. */
  readonly quiet?: Signal;
  /** Nothing bad at all, at full traffic. */
  readonly calm?: Signal;
  /** Labels of the process that the query keeps. */
  readonly keeps: readonly ('service' | 'instance' | 'job')[];
  /** Labels of its series that the query keeps. */
  readonly fires?: Labels;
  /** The value it fires with. */
  readonly value: (clock: RuleClock) => number;
  /** Real seconds until what was is forgotten; the range of a cause when left out. */
  readonly settleSeconds?: number;
}

interface Named {
  readonly name: string;
}

interface At {
  readonly service: string;
  readonly keeps?: Signals['keeps'];
  readonly labels?: Labels;
  readonly fires?: Labels;
  /** Series of other labels that must not be taken for these. */
  readonly others?: Signal;
}

const INSTANCE = ['service', 'instance'] as const;

/** How far beyond the bound `breaking` is: twice the bound would not be noticed to be too high. */
const BEYOND = 1.25;

/** A gauge against its bound, from above or, with a floor, from below. */
export function gaugeSignals(
  { name }: Named,
  bound: number,
  { service, keeps, labels, fires, others = [] }: At,
  floor = false,
): Signals {
  const value = floor ? bound / BEYOND : bound * BEYOND;
  const at = (gauge: number): Signal => [{ name, ...(labels && { labels }), wave: { gauge } }, ...others];
  return {
    service,
    keeps: keeps ?? INSTANCE,
    ...(fires && { fires }),
    breaking: at(value),
    holding: at(bound),
    value: () => value,
    settleSeconds: 0,
  };
}

/** One gauge over another, against a bound of their quotient. */
export function quotientSignals(
  part: Named,
  whole: Named & { readonly labels?: Labels },
  bound: Bound,
  at: At,
): Signals {
  const full = 1_000;
  const over = (share: number): Signal => [
    { name: part.name, ...(at.labels && { labels: at.labels }), wave: { gauge: share * full } },
    {
      name: whole.name,
      ...((whole.labels ?? at.labels) && { labels: whole.labels ?? at.labels ?? {} }),
      wave: { gauge: full },
    },
  ];
  // A share near one cannot be exceeded by a quarter.
  const value = Math.min(bound.value * BEYOND, (bound.value + 1) / 2);
  return {
    service: at.service,
    keeps: at.keeps ?? INSTANCE,
    ...(at.fires && { fires: at.fires }),
    breaking: over(value),
    holding: over(bound.value),
    value: () => value,
    settleSeconds: 0,
  };
}

/** Events among others, against a bound of their share. */
export function shareSignals(
  part: Named & { readonly labels?: Labels },
  rest: readonly (Named & { readonly labels?: Labels })[],
  bound: Bound,
  at: At & { readonly partOfRest?: boolean },
): Signals {
  const perSecond = 1_000;
  const { others = [] } = at;
  const share = (bad: number): Signal => [
    { name: part.name, ...(part.labels && { labels: part.labels }), wave: { perSecond: bad * perSecond } },
    ...rest.map(({ name, labels }) => ({
      name,
      ...(labels && { labels }),
      wave: { perSecond: at.partOfRest === false ? perSecond : perSecond * (1 - bad) },
    })),
    ...others,
  ];
  const still = share(0).map((series) => ({ ...series, wave: { perSecond: 0 } }));
  const value = bound.value * BEYOND;
  return {
    service: at.service,
    keeps: at.keeps ?? INSTANCE,
    breaking: share(value),
    holding: share(bound.value * 0.99),
    idle: still,
    value: () => value,
  };
}

/** Counters whose rates together are held against a bound of more than zero: none of them is beyond it alone. */
export function splitRateSignals(
  counters: readonly (Named & { readonly labels?: Labels })[],
  bound: number,
  { service, keeps, others = [] }: At,
): Signals {
  const at = (perSecond: number): Signal => [
    ...counters.map(({ name, labels }) => ({
      name,
      ...(labels && { labels }),
      wave: { perSecond: perSecond / counters.length },
    })),
    ...others,
  ];
  const value = bound * BEYOND;
  return {
    service,
    keeps: keeps ?? INSTANCE,
    breaking: at(value),
    holding: at(bound * 0.99),
    idle: at(0),
    value: () => value,
  };
}

/** A counter whose rate is held against a bound of more than zero. */
export const rateSignals = (counter: Named & { readonly labels?: Labels }, bound: number, at: At): Signals =>
  splitRateSignals([counter], bound, at);

/** One in two minutes: less than one in the range of a cause, and more than none. */
const EVENTS_PER_SECOND = 1 / 120;
const RANGE_SECONDS = 60;

/** A counter that should never move, read as its growth or as its rate. */
export function eventSignals(
  counter: Named & { readonly labels?: Labels },
  { service, keeps, others = [] }: At,
  read: 'increase' | 'rate',
): Signals {
  const at = (perSecond: number): Signal => [
    { name: counter.name, ...(counter.labels && { labels: counter.labels }), wave: { perSecond } },
    ...others,
  ];
  return {
    service,
    keeps: keeps ?? INSTANCE,
    breaking: at(EVENTS_PER_SECOND),
    holding: at(0),
    value: (clock) => EVENTS_PER_SECOND * (read === 'rate' ? 1 : rangeSeconds(clock, RANGE_SECONDS)),
  };
}

/** A quantile of a histogram: the rank falls into the bucket above the bound, or exactly on it. */
export function quantileSignals(
  { name }: Named,
  q: number,
  edges: readonly [bound: number, next: number],
  at: At,
): Signals {
  const perSecond = 100;
  const [bound, next] = edges;
  const { others = [] } = at;
  const below = (share: number): Signal => [
    ...[
      [String(bound), share],
      [String(next), 1],
      ['+Inf', 1],
    ].map(([le, part]) => ({
      name: `${name}_bucket`,
      labels: { ...at.labels, le: String(le) },
      wave: { perSecond: Number(part) * perSecond },
    })),
    ...others,
  ];
  // Half of what lies above the rank lies above the bound: a quarter into the next bucket would do, this is a third.
  const within = q - (1 - q) / 2;
  return {
    service: at.service,
    keeps: at.keeps ?? INSTANCE,
    breaking: below(within),
    holding: below(q),
    idle: below(q).map((series) => ({ ...series, wave: { perSecond: 0 } })),
    value: () => bound + ((q - within) / (1 - within)) * (next - bound),
  };
}
