import type { Scenario } from 'k6/options';
import type { JourneyName } from '../flows/journeys.ts';
import type { Shares } from './arrivals.ts';
import type { Region, Thresholds } from './thresholds.ts';

/** What a run may change about a profile. */
export interface Order {
  /** Base rate in requests a second. */
  readonly rate: number;
  /** The flows of the profile, or those named, each with an equal part. */
  readonly shares: Shares;
  /** Of the whole load. */
  readonly seconds: number;
  readonly region: Region;
  /** JSON of a timetable of faults; empty for the one of the house. */
  readonly timetable: string;
}

/** A stretch of the run whose requests carry the tag `phase`; seconds from the start of the load. */
export interface Phase {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  /** What is offered in it, in requests a second. */
  readonly rate: number;
}

/** What judges a run beside the thresholds of k6, because it compares two numbers of it. */
export type AfterJudgement = 'recovery' | 'knee';

export interface Plan {
  readonly scenarios: Record<string, Scenario>;
  readonly thresholds: Thresholds;
  readonly phases?: readonly Phase[];
}

/** The shape of a load and what it is judged by: no journeys, no driver. */
export interface Profile {
  readonly summary: string;
  readonly seconds: number;
  readonly shares: Shares;
  readonly after?: AfterJudgement;
  plan(order: Order): Plan;
}

/** What everybody does, mostly reading: the mix of the objectives with writes, names and messages beside it. */
export const DAILY: Shares = {
  ...{ mixed: 0.65, objects: 0.1, names: 0.05, mailbox: 0.13 },
  ...{ registry: 0.05, governance: 0.02 },
};

/** The same load without what takes the keys of a log: it is read instead. */
export function withoutKeys(shares: Shares): Shares {
  const { governance = 0, ...others } = shares;
  return others.registry === undefined ? others : { ...others, registry: others.registry + governance };
}

export const flowsOf = (shares: Shares): readonly JourneyName[] => Object.keys(shares) as JourneyName[];
