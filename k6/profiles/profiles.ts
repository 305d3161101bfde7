import { JOURNEY_NAMES, type JourneyName } from '../flows/journeys.ts';
import type { Shares } from './arrivals.ts';
import { breakpoint } from './breakpoint.ts';
import { chaos } from './chaos.ts';
import { load } from './load.ts';
import { type Plan, type Profile, withoutKeys } from './profile.ts';
import { smoke } from './smoke.ts';
import { soak } from './soak.ts';
import { spike } from './spike.ts';
import { stress } from './stress.ts';
import { type Region, shownLatencies } from './thresholds.ts';

export const PROFILES = { smoke, load, stress, spike, soak, breakpoint, chaos } as const satisfies Record<
  string,
  Profile
>;
export type ProfileName = keyof typeof PROFILES;

/** Requests a second where a run names no rate: little enough for any machine the node starts on. */
const DEFAULT_RATE = 100;

export interface Wishes {
  /** Requests a second; the default when left out. */
  readonly rate?: number | undefined;
  /** These flows instead of those of the profile, an equal part each. */
  readonly flows?: readonly string[] | undefined;
  /** Instead of the duration of the profile. */
  readonly seconds?: number | undefined;
  readonly region?: Region | undefined;
  /** Whether the keys of a log are at hand; flows that sign are left out of profiles without. */
  readonly signs?: boolean | undefined;
  /** JSON of the faults of the profile chaos, instead of its own. */
  readonly timetable?: string | undefined;
}

/** What k6 will do. Throws on a profile or flow that is none. */
export function planOf(
  name: string,
  { rate = DEFAULT_RATE, flows, seconds, region = 'near', timetable = '', signs = false }: Wishes,
): Plan {
  const profile = profileOf(name);
  const daily = signs ? profile.shares : withoutKeys(profile.shares);
  const shares = flows === undefined || flows.length === 0 ? daily : equalShares(flows);
  const plan = profile.plan({ rate, shares, seconds: seconds ?? profile.seconds, region, timetable });
  return { ...plan, thresholds: { ...shownLatencies, ...plan.thresholds } };
}

export function profileOf(name: string): Profile {
  if (!Object.hasOwn(PROFILES, name)) {
    throw new Error(`There is no profile '${name}'; there are: ${Object.keys(PROFILES).join(', ')}.`);
  }
  return PROFILES[name as ProfileName];
}

function equalShares(names: readonly string[]): Shares {
  const known = names.map((name): JourneyName => {
    const flow = JOURNEY_NAMES.find((one) => one === name);
    if (flow === undefined) throw new Error(`There is no flow '${name}'; there are: ${JOURNEY_NAMES.join(', ')}.`);
    return flow;
  });
  return Object.fromEntries(known.map((flow) => [flow, 1 / known.length]));
}
