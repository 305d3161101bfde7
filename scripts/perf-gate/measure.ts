// The live run: in each life of the nodes every flow in turn, A and B in turn, until its time is over.
import { FLOWS, type FlowName } from '../../k6/flows/flows.ts';
import { seededRandom } from '../../k6/flows/random.ts';
import type { LoadReport } from '../load/load-tally.ts';
import { scrape } from '../measure/metrics.ts';
import { median, PAIRS_MIN } from './judgement.ts';
import type { FlowRecording, Pair } from './recording.ts';
import { GOLDEN_METRICS } from './rules.ts';
import { FlowTally } from './tally.ts';
import {
  CLOSED_MS_MAX,
  CLOSED_USERS,
  type FlowLoad,
  type LoadedSide,
  type OpenWindow,
  requestsPerSecond,
  runClosed,
  runOpen,
} from './window.ts';

/** Just-in-time compilation and pools settle in this time. */
const WARM_UP_MS = 1_500;
const CALIBRATION_MS = 800;
const CLOSED_SECONDS = 0.5;
/** Of the closed-loop rate of the base: below the knee, even while a stranger takes some of the machine. */
const OPEN_SHARE = 0.3;
/** Enough for a p95 of one window; more of them would only find every user busy at each pause of the collector. */
const OPEN_TURNS_PER_SECOND_MAX = 2_000;
/** Of the turns of an open window: who comes while the node pauses is left out of the latencies, so it must be few. */
const DROPPED_SHARE_MAX = 0.02;
/** Strangers who take more of the machine than this, or so much more beside one side, make a pair noisy. */
const FOREIGN_MAX = 0.3;
const FOREIGN_DIFFERENCE_MAX = 0.1;

/** Both nodes, freshly started. */
export interface Life {
  /** Counted from 1. */
  readonly life: number;
  readonly a: LoadedSide;
  readonly b: LoadedSide;
  /** When no new round begins. */
  readonly deadline: number;
}

export interface MeasureOptions {
  readonly flows: readonly FlowName[];
  readonly seed: number;
  readonly seededCpuPercent: number;
  readonly say: (line: string) => void;
}

interface FlowState {
  readonly flow: FlowName;
  /** Turns per second of the side that sets the rate, window by window. */
  readonly closedRates: number[];
  readonly baseServes: boolean;
  readonly pairs: Pair[];
  /** Rounds without strangers, and all of them. */
  readonly quiet: FlowTally;
  readonly all: FlowTally;
  /** CPU of the base, as calibrated and as measured since. */
  readonly baseCpu: number[];
  invalidPairs: number;
  families: readonly string[];
}

/** Measures every flow in each life; `lives` starts the nodes and stops them. */
export async function measure(lives: AsyncIterable<Life>, options: MeasureOptions): Promise<readonly FlowRecording[]> {
  const { flows, seed, say } = options;
  const states: FlowState[] = [];
  const random = seededRandom(seed);
  let round = 0;
  for await (const life of lives) {
    if (states.length === 0) for (const flow of flows) states.push(await calibrate(flow, life, say));
    else for (const flow of flows) await bothClosed(flow, WARM_UP_MS, life);
    while (Date.now() < life.deadline) {
      const startedAt = Date.now();
      for (const state of states) await runPair(state, random() < 0.5, life, options);
      say(progress((round += 1), states, Date.now() - startedAt, life.deadline));
    }
  }
  return states.map((state) => ({
    flow: state.flow,
    baseServes: state.baseServes,
    requestsPerSecond: loadOf(state.flow, state.closedRates).openTurnsPerSecond * FLOWS[state.flow].requestsPerTurn,
    pairs: state.pairs,
    invalidPairs: state.invalidPairs,
    counts: (state.quiet.isEmpty ? state.all : state.quiet).counts(),
    families: [...state.families],
  }));
}

/**
 * Asks both sides for the same work, so that both hold the same data afterwards, and tells how the base did it, or the working
 * tree where the base does not serve the flow.
 */
async function bothClosed(
  flow: FlowName,
  ms: number,
  { a, b }: Life,
): Promise<{ readonly baseServes: boolean; readonly report: LoadReport }> {
  const order = { flow, ms, users: CLOSED_USERS };
  const base = await a.loop.run(order).catch(() => undefined);
  if (base === undefined || lacksRoute(base)) return { baseServes: false, report: await b.loop.run(order) };
  await b.loop.run({ ...order, ms: CLOSED_MS_MAX, turns: base.turns });
  return { baseServes: true, report: base };
}

/** Warms both sides up and sets the first rates. */
async function calibrate(flow: FlowName, life: Life, say: MeasureOptions['say']): Promise<FlowState> {
  await bothClosed(flow, WARM_UP_MS, life);
  const { baseServes, report } = await bothClosed(flow, CALIBRATION_MS, life);
  const closedRates = [turnsPerSecond(report)];
  const load = loadOf(flow, closedRates);
  const rate = Math.round(load.openTurnsPerSecond * FLOWS[flow].requestsPerTurn);
  say(
    `${flow}: ${Math.round(requestsPerSecond(report))} requests/s closed, windows at ${rate} requests/s to begin with`,
  );
  if (!baseServes) say(`${flow}: no base, it does not serve this flow; only budgets and metrics are judged`);
  const baseCpu = baseServes ? [(await runOpen(life.a, load, [])).cpuMicrosPerRequest] : [];
  if (baseServes) await runOpen(life.b, load, []);
  return {
    flow,
    closedRates,
    baseServes,
    pairs: [],
    quiet: new FlowTally(),
    all: new FlowTally(),
    baseCpu,
    invalidPairs: 0,
    families: [],
  };
}

const turnsPerSecond = ({ turns, elapsedMs }: LoadReport): number => (turns / elapsedMs) * 1_000;

/** By what the base did so far: a first figure taken while strangers were busy does not hold for the whole run. */
function loadOf(flow: FlowName, closedRates: readonly number[]): FlowLoad {
  const rate = median(closedRates);
  return {
    flow,
    closedTurns: Math.max(CLOSED_USERS, Math.round(rate * CLOSED_SECONDS)),
    openTurnsPerSecond: Math.max(1, Math.round(Math.min(rate * OPEN_SHARE, OPEN_TURNS_PER_SECOND_MAX))),
  };
}

const lacksRoute = ({ answers }: LoadReport): boolean =>
  Object.keys(answers).some((key) => / (404|405|501)$/.test(key));

async function runPair(
  state: FlowState,
  swapped: boolean,
  { life, a, b }: Life,
  { seededCpuPercent, say }: MeasureOptions,
): Promise<void> {
  const order = (swapped ? [b, a] : [a, b]).filter((one) => state.baseServes || one === b);
  if (seededCpuPercent > 0) b.side.spinEachRequest((median(state.baseCpu) * seededCpuPercent) / 100);
  const load = loadOf(state.flow, state.closedRates);
  const before = await scrape(b.side.ops);
  const rates = new Map<LoadedSide, LoadReport>();
  const windows = new Map<LoadedSide, OpenWindow>();
  for (const one of order) rates.set(one, await runClosed(one, load));
  const others = [...a.side.pids, ...b.side.pids, a.side.redisPid, b.side.redisPid, a.loop.pid, b.loop.pid];
  for (const one of order) {
    const own = [...one.side.pids, one.side.redisPid];
    const rest = others.filter((pid) => pid !== undefined).filter((pid) => !own.includes(pid));
    windows.set(one, await runOpen(one, load, rest));
  }
  const after = await scrape(b.side.ops);
  state.families = GOLDEN_METRICS.map(({ name }) => name).filter((name) => after.families.has(name));
  const [closedB, openB] = [rates.get(b), windows.get(b)];
  if (closedB === undefined || openB === undefined) return;
  state.closedRates.push(turnsPerSecond(rates.get(state.baseServes ? a : b) ?? closedB));
  // A node that strangers keep from the processor sheds as it should: budgets are those of quiet rounds, where there are any.
  const noisy = isNoisy([...windows.values()]);
  for (const tally of noisy ? [state.all] : [state.all, state.quiet]) tally.add([closedB, openB.report], before, after);
  const [closedA, openA] = [rates.get(a), windows.get(a)];
  if (closedA === undefined || openA === undefined) return;
  const faults = Object.entries({ A: [closedA, openA.report], B: [closedB, openB.report] }).flatMap(([side, reports]) =>
    reports.flatMap((report) => faultsOf(report).map((fault) => `${side}: ${fault}`)),
  );
  if (faults.length > 0) {
    state.invalidPairs += 1;
    say(`${state.flow}: a pair is thrown away, ${faults.join('; ')}`);
    return;
  }
  state.baseCpu.push(openA.cpuMicrosPerRequest);
  state.pairs.push({ life, a: sampleOf(closedA, openA), b: sampleOf(closedB, openB), noisy });
}

/** What makes the figures of a window worthless: they would speak of other work than the other side did. */
function faultsOf(report: LoadReport): string[] {
  const { failedRequests, droppedTurns, turns } = report;
  return [
    ...(failedRequests > 0 ? [`${failedRequests} requests failed`] : []),
    ...(droppedTurns > turns * DROPPED_SHARE_MAX ? [`${droppedTurns} turns beside ${turns} found no free user`] : []),
    ...Object.entries(report.failedChecks).map(([what, count]) => `${what} (${count} times)`),
  ];
}

function sampleOf(closed: LoadReport, { report: _, ...open }: OpenWindow): Pair['a'] {
  return { requestsPerSecond: requestsPerSecond(closed), ...open };
}

function isNoisy(windows: readonly OpenWindow[]): boolean {
  const shares = windows.map(({ foreignShare }) => foreignShare);
  const worst = Math.max(...shares);
  return worst > FOREIGN_MAX || worst - Math.min(...shares) > FOREIGN_DIFFERENCE_MAX;
}

function progress(round: number, states: readonly FlowState[], ms: number, deadline: number): string {
  const last = states.flatMap(({ pairs }) => pairs.at(-1) ?? []);
  const foreign = Math.max(0, ...last.flatMap(({ a, b }) => [a.foreignShare, b.foreignShare]));
  const left = Math.max(0, Math.round((deadline - Date.now()) / 1_000));
  const noisy = states.reduce((sum, { pairs }) => sum + pairs.filter((pair) => pair.noisy).length, 0);
  const invalid = states.reduce((sum, { invalidPairs }) => sum + invalidPairs, 0);
  return (
    `round ${round}${round < PAIRS_MIN ? ` of ${PAIRS_MIN} at least` : ''} in ${(ms / 1_000).toFixed(1)} s, ` +
    `strangers up to ${Math.round(foreign * 100)} % of the machine, ${noisy} noisy and ${invalid} invalid pairs, ${left} s left`
  );
}
