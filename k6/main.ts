import { randomBytes } from 'k6/crypto';
import exec from 'k6/execution';
import { Counter, Gauge } from 'k6/metrics';
import type { Options } from 'k6/options';
import { bytesToHex } from '@noble/hashes/utils.js';
import { JOURNEYS, type JourneyName } from './flows/journeys.ts';
import { OtherAnswer } from './flows/user.ts';
import { followTimetable, proxyOf } from './lib/faults.ts';
import { FreshPool, hashedHere } from './lib/fresh-pool.ts';
import { K6User } from './lib/k6-user.ts';
import { waitUntilReady } from './lib/ready.ts';
import { readSettings } from './lib/settings.ts';
import { logSigners } from './lib/signers.ts';
import { summarise, type SummaryData } from './lib/summary.ts';
import { switchesOf } from './lib/timetable.ts';
import { planOf, profileOf } from './profiles/profiles.ts';

const MS_PER_SECOND = 1_000;
const RUN_BYTES = 4;

const settings = readSettings(__ENV);
const plan = planOf(settings.profile, settings.wishes);
const objects = settings.poolDir === '' ? hashedHere : new FreshPool(settings.poolDir, plan);
const signers = settings.signersFile === '' ? undefined : logSigners(settings.signersFile);
const switches =
  settings.profile === 'chaos'
    ? switchesOf(settings.wishes.timetable ?? '', settings.wishes.seconds ?? profileOf('chaos').seconds)
    : [];

export const options: Options = {
  scenarios: plan.scenarios,
  thresholds: plan.thresholds,
  userAgent: 'macronode-k6',
  tags: { profile: settings.profile },
  setupTimeout: '120s',
  summaryTrendStats: ['avg', 'min', 'med', 'max', 'p(90)', 'p(95)', 'p(99)'],
  systemTags: ['status', 'method', 'name', 'group', 'check', 'error_code', 'scenario', 'expected_response'],
};

/** What everybody of a run reads; k6 hands it to its users as JSON. */
interface RunData {
  readonly run: string;
  readonly worlds: Readonly<Record<string, unknown>>;
  readonly proxy?: string;
}

export async function setup(): Promise<RunData> {
  waitUntilReady(settings);
  const proxy = settings.profile === 'chaos' ? proxyOf(settings.toxiproxyUrl, switches) : undefined;
  const run = settings.run === '' ? bytesToHex(new Uint8Array(randomBytes(RUN_BYTES))) : settings.run;
  const user = new K6User({ ...settings, objects, signers }, run);
  const worlds: Record<string, unknown> = {};
  for (const name of journeysOf()) worlds[name] = await JOURNEYS[name].prepare(user);
  return { run, worlds, ...(proxy !== undefined && { proxy }) };
}

const journeysOf = (): readonly JourneyName[] =>
  (Object.keys(plan.scenarios) as JourneyName[]).filter((name) => Object.hasOwn(JOURNEYS, name));

/** A turn that throws counts as an iteration all the same; only one that reached its end counts here. */
const completed = new Counter('turns_completed');
/** How far into the load turns began, in seconds: a run that ends early says so. */
const reached = new Gauge('load_seconds');
/** Answers that are no right ones are printed for one user, so that a broken node does not drown the run in lines. */
const PRINTED = 3;
let printed = 0;
let user: K6User | undefined;

/** The exec of every scenario that walks a flow; the scenario has the name of its flow. */
export async function turn({ run, worlds }: RunData): Promise<void> {
  user ??= new K6User({ ...settings, objects, signers }, run);
  objects.turn();
  const { name } = exec.scenario;
  const seconds = (Date.now() - exec.scenario.startTime) / MS_PER_SECOND;
  reached.add(seconds);
  if (plan.phases !== undefined) exec.vu.metrics.tags['phase'] = phaseAt(seconds);
  try {
    await JOURNEYS[name as JourneyName].turn(user, worlds[name]);
    completed.add(1);
  } catch (error) {
    if (!(error instanceof OtherAnswer)) throw error;
    if (error.isRefusal || printed >= PRINTED) return;
    printed += 1;
    console.error(`${name}: ${error.message}`);
  }
}

function phaseAt(seconds: number): string {
  return plan.phases?.find(({ from, to }) => seconds >= from && seconds < to)?.name ?? 'between';
}

/** The exec of the scenario `faults`. */
export function faults({ proxy }: RunData): void {
  followTimetable(settings.toxiproxyUrl, switches, proxy);
}

export function handleSummary(data: SummaryData): Record<string, string> {
  return summarise(data, settings);
}
