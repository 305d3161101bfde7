// Fault by fault: what fired, how soon, and how soon it was over.
import { setTimeout as delay } from 'node:timers/promises';
import type { FaultName } from '../../grafana/faults.ts';
import { ALERTS } from '../../grafana/rules/alerts.ts';
import { poll } from '../poll.ts';
import { type Client, steadyTraffic } from '../rig/client.ts';
import { driverOf, expectedOf } from './faults/index.ts';
import type { Rig } from './rig.ts';
import type { Timeline } from './timeline.ts';

const USERS = 4;
const PAUSE_MS = 40;
/** What goes on firing on purpose is not waited for; starts are counted over fifteen minutes of the real clock, three of ours. */
const RESOLVE_TIMEOUT_MS = 210_000;
const CALM_TIMEOUT_MS = 120_000;
/** From the first alert on, others that follow from the same fault. */
const AFTERMATH_MS = 4_000;

export interface ExpectedAlert {
  readonly name: string;
  /** Undefined when it did not fire. */
  readonly secondsToFire: number | undefined;
  /** Undefined while it still fires: some are kept up on purpose so that people see them. */
  readonly secondsToResolve: number | undefined;
  readonly keeps: boolean;
}

export interface FaultResult {
  readonly fault: FaultName;
  readonly what: string;
  readonly expected: readonly ExpectedAlert[];
  readonly beside: readonly string[];
  /** Fired although nothing of the fault explains it. */
  readonly wrong: readonly string[];
  readonly failure: string | undefined;
}

const KEEPS = new Set(
  ALERTS.filter(({ keepFiringSeconds }) => keepFiringSeconds !== undefined).map(({ name }) => name),
);

const seconds = (ms: number | undefined): number | undefined =>
  ms === undefined ? undefined : Math.round(ms / 100) / 10;

/** Alerts that may fire whatever else happens: always, or still from a fault before. */
function isQuiet(timeline: Timeline, ignored: ReadonlySet<string>): boolean {
  return [...timeline.now].every((name) => ignored.has(name) || KEEPS.has(name));
}

/** Whether something comes true in time; that it does not is a result, not an error. */
const within = (timeoutMs: number, probe: () => boolean): Promise<boolean> =>
  poll('', timeoutMs, probe).then(
    () => true,
    () => false,
  );

/** Makes one fault under traffic, waits for what must follow, mends it, and waits until it is over. */
export async function sufferFault(
  fault: FaultName,
  { rig, client, timeline, ignored }: { rig: Rig; client: Client; timeline: Timeline; ignored: ReadonlySet<string> },
  during: () => Promise<void> = () => Promise.resolve(),
): Promise<FaultResult> {
  const { what, holdSeconds, make, beside } = driverOf(fault);
  const names = expectedOf(fault);
  const isCalm = await within(CALM_TIMEOUT_MS, () => isQuiet(timeline, ignored));
  const traffic = steadyTraffic(client, USERS, PAUSE_MS);
  await delay(AFTERMATH_MS);
  rig.show(fault);
  const since = performance.now();
  let mended = since;
  let failure = isCalm ? undefined : `began while these fired: ${[...timeline.now].join(', ')}`;
  try {
    const mend = await make(rig, client);
    try {
      const all = (): boolean =>
        names.length > 0 && names.every((name) => timeline.firedAfter(name, since) !== undefined);
      await within(holdSeconds * 1_000, all);
      await delay(AFTERMATH_MS);
      await during();
    } finally {
      mended = performance.now();
      await mend();
    }
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  }
  rig.show(undefined);
  const fired = timeline.begunIn(since, mended).map(({ name }) => name);
  const waited = names.filter((name) => !KEEPS.has(name));
  const over = (): boolean => waited.every((name) => !timeline.now.has(name));
  await within(RESOLVE_TIMEOUT_MS, over);
  await traffic.stop();
  const explained = new Set([...names, ...beside, ...ignored]);
  const others = [...new Set(fired)].filter((name) => !names.includes(name));
  return {
    fault,
    what,
    expected: names.map((name) => ({
      name,
      secondsToFire: seconds(timeline.firedAfter(name, since)),
      secondsToResolve: seconds(timeline.resolvedAfter(name, mended)),
      keeps: KEEPS.has(name),
    })),
    beside: others.filter((name) => explained.has(name) && !ignored.has(name)),
    wrong: others.filter((name) => !explained.has(name)),
    failure,
  };
}

/** Whether a row of the matrix is as it must be. */
export const isGreen = ({ expected, wrong, failure }: FaultResult): boolean =>
  failure === undefined &&
  wrong.length === 0 &&
  expected.every(
    ({ secondsToFire, secondsToResolve, keeps }) =>
      secondsToFire !== undefined && (keeps || secondsToResolve !== undefined),
  );
