// A live run: both nodes side by side, a window of each in turn, flow by flow, round by round.
import { cpus } from 'node:os';
import { writeFileSync } from 'node:fs';
import { FLOWS, type FlowName } from '../../k6/flows/flows.ts';
import { seededRandom } from '../../k6/flows/random.ts';
import type { LoadReport } from '../load/load-tally.ts';
import { LatencyHistogram } from '../measure/histogram.ts';
import type { Recording, Sample } from './samples.ts';
import { type Side, USERS } from './side.ts';

/** Long enough for some hundred requests, short enough that a slow moment of the machine meets both sides of a pair. */
const WINDOW_MS = 900;
/** Per flow and side: code is compiled, and the flow is prepared. */
const WARM_UP_MS = 2_500;
/** Of what the base bears: loaded, and not yet queueing. */
const OPEN_SHARE = 0.4;
/** Everything measured after the nodes are up, in seconds. With the start it stays below four minutes. */
export const MEASURE_SECONDS = 205;
const MICROS_PER_MS = 1_000;

export interface LiveOptions {
  readonly flows: readonly FlowName[];
  readonly seconds: number;
  readonly seed: number;
  /** Makes each request of the head dearer by this share, through the file its processes read. */
  readonly seededCpu?: { readonly share: number; readonly file: string };
  readonly progress: (text: string) => void;
}

interface Calibrated {
  readonly turnsPerSecond: number;
  readonly cpuMicros: number;
}

type Pairs = Record<'base' | 'head', Sample[]>;

async function warm(side: Side, flow: FlowName): Promise<Calibrated> {
  await side.loop.run({ flow, ms: WARM_UP_MS, users: USERS });
  const end = side.watchCpu();
  const report = await side.loop.run({ flow, ms: WINDOW_MS, users: USERS });
  const rate = (report.requests / report.elapsedMs) * 1_000;
  return {
    turnsPerSecond: (OPEN_SHARE * rate) / FLOWS[flow].requestsPerTurn,
    cpuMicros: end().micros / report.requests,
  };
}

const answersLike = (reports: readonly LoadReport[], pattern: RegExp): number =>
  reports
    .flatMap(({ answers }) => Object.entries(answers))
    .reduce((sum, [key, count]) => sum + (pattern.test(key) ? count : 0), 0);

function p95Of({ latencies }: LoadReport): number {
  const all = new LatencyHistogram();
  for (const counts of Object.values(latencies)) all.add(counts);
  return all.quantile(0.95) / MICROS_PER_MS;
}

/** The sum of all series of a counter in an exposition. */
function counted(text: string, name: string): number {
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

async function bus(side: Side): Promise<{ frames: number; overflows: number }> {
  const text = await side.metrics();
  const overflows = counted(text, 'bus_overflow_total');
  return { frames: counted(text, 'bus_published_total') + overflows, overflows };
}

async function sample(side: Side, flow: FlowName, { turnsPerSecond }: Calibrated): Promise<Sample> {
  const before = await bus(side);
  const end = side.watchCpu();
  const open = await side.loop.run({ flow, ms: WINDOW_MS, turnsPerSecond });
  const { micros } = end();
  const closed = await side.loop.run({ flow, ms: WINDOW_MS, users: USERS });
  const after = await bus(side);
  if (open.requests === 0 || closed.requests === 0) throw new Error(`${side.name} answered nothing to ${flow}`);
  return {
    p95_ms: p95Of(open),
    cpu_us: micros / open.requests,
    rate: (closed.requests / closed.elapsedMs) * 1_000,
    memory_mib: side.residentMib(),
    requests: open.requests,
    errors_5xx: answersLike([open], / (5\d\d|0)$/),
    rejects: answersLike([open], / (429|503)$/),
    frames: after.frames - before.frames,
    overflows: after.overflows - before.overflows,
  };
}

/** Series names of an exposition. */
const seriesOf = (text: string): string[] => [
  ...new Set([...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name = '']) => name)),
];

type Measured = Pick<Recording, 'flows' | 'series' | 'machine'>;

/** Rounds until the time is over, four at least. Which side of a pair goes first is drawn anew each time. */
export async function measure(base: Side, head: Side, options: LiveOptions): Promise<Measured> {
  const { flows, seconds, seed, seededCpu, progress } = options;
  const random = seededRandom(seed);
  const startedAt = performance.now();
  const elapsed = (): number => (performance.now() - startedAt) / 1_000;
  const calibrated = new Map<FlowName, Calibrated>();
  const pairs = new Map<FlowName, Pairs>(flows.map((flow) => [flow, { base: [], head: [] }]));
  const burn = (flow: FlowName): void => {
    if (seededCpu === undefined) return;
    writeFileSync(seededCpu.file, String((calibrated.get(flow)?.cpuMicros ?? 0) * seededCpu.share));
  };
  for (const flow of flows) {
    progress(`warming up: ${flow}`);
    calibrated.set(flow, await warm(base, flow));
    await warm(head, flow);
  }
  let roundSeconds = 0;
  for (let round = 1; round <= ROUNDS_MIN || elapsed() + roundSeconds < seconds; round += 1) {
    const began = elapsed();
    for (const [flow, samples] of pairs) {
      progress(`round ${round}: ${flow}, ${Math.max(0, seconds - elapsed()).toFixed(0)} s left`);
      const at = calibrated.get(flow);
      if (at === undefined) throw new Error(`${flow} was not calibrated`);
      burn(flow);
      for (const side of random() < 0.5 ? [base, head] : [head, base])
        samples[side.name].push(await sample(side, flow, at));
    }
    roundSeconds = elapsed() - began;
  }
  const [processor] = cpus();
  return {
    flows: Object.fromEntries(pairs),
    series: seriesOf(await head.metrics()),
    machine: {
      cpu: processor?.model.trim() ?? 'unknown',
      cores: cpus().length,
      node: process.versions.node,
    },
  };
}

const ROUNDS_MIN = 4;
