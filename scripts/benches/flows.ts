import { availableParallelism } from 'node:os';
import { FLOWS, type FlowName } from '../../k6/flows/flows.ts';
import type { CaseResult, Flags, Outcome, SelfRunningBench } from '../bench-harness.ts';
import { LoadLoop } from '../load/load-loop.ts';
import { latenciesOf, type LoadReport } from '../load/load-tally.ts';
import { watchCpu } from '../measure/cpu.ts';
import { RiggedSigners } from '../rig/registry-signers.ts';
import type { RunState } from '../run-state.ts';
import { startTarget } from '../targets.ts';
import { bottleneckOf, capacityOf, type RequestCost } from './flows/capacity.ts';
import { chosenFlows } from './flows/chosen.ts';
import { fitScalability, kneeOf, type LoadPoint, rateAt } from './flows/scalability.ts';
import { watchedOf } from './flows/watched.ts';

/** Users of the closed loop, one step after another. */
const USERS = [1, 2, 4, 8, 16, 32, 64] as const;
const USERS_MAX = 64;
/** Before the first step: code is compiled, connections are open, the flow is prepared. */
const WARM_UP_MS = 6_000;
/** The open loop runs at this share of the knee: loaded, and not yet queueing. */
const OPEN_SHARE = 0.6;
/** Above it, others used so much of the machine that a window is called noisy. */
const FOREIGN_SHARE_MAX = 0.1;
/** A micronode keeps objects in memory: what the flows that store put there in a whole run. */
const MEMORY_BYTES = 16 * 1024 ** 3;

interface Measured {
  readonly report: LoadReport;
  readonly cost: RequestCost;
  readonly isNoisy: boolean;
}

class Measurement {
  readonly #loop: LoadLoop;
  readonly #watched: readonly { readonly name: string; readonly pid: number }[];

  constructor(loop: LoadLoop, state: RunState) {
    this.#loop = loop;
    this.#watched = [...watchedOf(state), { name: 'client', pid: loop.pid }];
  }

  async run(flow: FlowName, ms: number, load: { users: number } | { turnsPerSecond: number }): Promise<Measured> {
    const end = watchCpu(this.#watched);
    const report = await this.#loop.run({ flow, ms, ...load });
    const { micros, foreignShare } = end();
    const failed = Object.keys(report.failedChecks);
    if (report.failedRequests > 0 || failed.length > 0)
      throw new Error(`${flow}: ${report.failedRequests} of ${report.requests} requests failed. ${failed.join('; ')}`);
    const names = this.#watched.map(({ name }) => name);
    const cost = Object.fromEntries(names.map((name) => [name, (micros[name] ?? 0) / report.requests]));
    return { report, cost, isNoisy: foreignShare > FOREIGN_SHARE_MAX };
  }
}

const rateOf = ({ report }: Measured): number => (report.requests / report.elapsedMs) * 1_000;

async function measureFlow(measurement: Measurement, flow: FlowName, windowMs: number): Promise<Outcome> {
  await measurement.run(flow, WARM_UP_MS, { users: USERS_MAX });
  const points: LoadPoint[] = [];
  const closed = new Map<number, Measured>();
  for (const users of USERS) {
    const measured = await measurement.run(flow, windowMs, { users });
    closed.set(users, measured);
    points.push({ users, rate: rateOf(measured) });
  }
  const knee = kneeOf(points);
  const best = points.reduce((top, point) => (point.rate > top.rate ? point : top));
  const atBest = closed.get(best.users);
  const rate = OPEN_SHARE * knee.rate;
  const open = await measurement.run(flow, 2 * windowMs, { turnsPerSecond: rate / FLOWS[flow].requestsPerTurn });
  if (atBest === undefined) throw new Error(`${flow} has no knee`);
  const { client = 0, ...cost } = atBest.cost;
  const law = fitScalability(points);
  const rates = points.map((point) => point.rate);
  const latencies = latenciesOf(open.report);
  const result: CaseResult = {
    case: flow,
    unit: 'requests/s',
    ...{ median: best.rate, min: Math.min(...rates), max: best.rate, runs: points.length },
    ...{ p50: latencies.quantile(0.5), p95: latencies.quantile(0.95), p99: latencies.quantile(0.99) },
    cpu_us: { ...cost, client, total: Object.values(cost).reduce((sum, micros) => sum + micros, 0) },
    noisy_runs: [...closed.values()].filter(({ isNoisy }) => isNoisy).length,
  };
  const predicted = capacityOf(atBest.cost, availableParallelism());
  print(flow, { knee, best, cost, bottleneck: bottleneckOf(cost), predicted: predicted.rate });
  return {
    cases: [result],
    ratios: { [`${flow}: measured / predicted by CPU`]: best.rate / predicted.rate },
    figures: {
      [`${flow} users at knee`]: knee.users,
      [`${flow} rate at knee`]: knee.rate,
      [`${flow} open rate`]: rate,
      [`${flow} contention`]: law.contention,
      [`${flow} coherence`]: law.coherence,
      [`${flow} predicted at 128 users`]: rateAt(law, 128),
    },
  };
}

interface Line {
  readonly knee: LoadPoint;
  readonly best: LoadPoint;
  readonly cost: RequestCost;
  readonly bottleneck: string;
  readonly predicted: number;
}

function print(flow: FlowName, { knee, best, cost, bottleneck, predicted }: Line): void {
  const parts = Object.entries(cost).map(([name, micros]) => `${name} ${micros.toFixed(0)}`);
  process.stdout.write(
    `  ${flow.padEnd(8)} ${best.rate.toFixed(0).padStart(7)} requests/s with ${best.users} users, knee at ${knee.users}; ` +
      `µs ${parts.join(', ')}; next: ${bottleneck}; by CPU ${predicted.toFixed(0)}/s\n`,
  );
}

async function measure(kind: 'micronode' | 'processes', flags: Flags): Promise<Outcome> {
  const windowMs = Number(flags['seconds'] ?? 4) * 1_000;
  using signers = RiggedSigners.make();
  const env = { GATEWAY_ECHO: 'true', STORAGE_MEMORY_BYTES: String(MEMORY_BYTES), ...signers.env };
  await using target = await startTarget(kind, { replicas: {}, env });
  await using loop = await LoadLoop.start(target.state.url, { users: USERS_MAX, signers: signers.keys });
  const measurement = new Measurement(loop, target.state);
  const outcomes: Outcome[] = [];
  for (const flow of chosenFlows(flags)) outcomes.push(await measureFlow(measurement, flow, windowMs));
  return {
    cases: outcomes.flatMap(({ cases }) => cases),
    ratios: Object.assign({}, ...outcomes.map(({ ratios }) => ratios)) as Outcome['ratios'],
    figures: Object.assign({}, ...outcomes.map(({ figures }) => figures)) as Record<string, number>,
  };
}

const FLAGS = { flows: { type: 'string' }, seconds: { type: 'string', default: '4' } } as const;

/** What a request costs each process, and how many a second they bear, flow by flow. */
export const flows: SelfRunningBench = {
  summary: 'each flow against a process per service: knee, latency, CPU of every process per request',
  flags: FLAGS,
  run: (flags) => measure('processes', flags),
};

export const flowsMicronode: SelfRunningBench = {
  summary: 'each flow against a micronode: knee, latency, CPU per request',
  flags: FLAGS,
  run: (flags) => measure('micronode', flags),
};
