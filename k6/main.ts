import { Counter } from 'k6/metrics';
import type { Options } from 'k6/options';
import { northSouth } from './flows/north-south.ts';
import { Gateway } from './lib/gateway.ts';
import { waitUntilReady } from './lib/ready.ts';
import { readSettings } from './lib/settings.ts';
import { summarise, type SummaryData } from './lib/summary.ts';
import { objectives } from './profiles/objectives.ts';
import { smoke } from './profiles/smoke.ts';

const PROFILES: Readonly<Record<string, Options>> = { smoke, objectives };

const settings = readSettings(__ENV);
const gateway = new Gateway(settings);

function profileOptions(): Options {
  const profile = PROFILES[settings.profile];
  if (profile === undefined)
    throw new Error(`no profile ${settings.profile}: there is ${Object.keys(PROFILES).join(', ')}`);
  return { ...profile, userAgent: 'macronode-k6', tags: { profile: settings.profile } };
}

export const options: Options = profileOptions();

export function setup(): void {
  waitUntilReady(settings);
}

/** A journey that throws counts as an iteration all the same; only one that reached its end counts here. */
const completed = new Counter('journeys_completed');

/** The exec of the scenario `north_south`. */
export function northSouthJourney(): void {
  northSouth(gateway);
  completed.add(1);
}

export function handleSummary(data: SummaryData): Record<string, string> {
  return summarise(data, settings);
}
