import { type FlowName, FLOWS } from '../../k6/flows/flows.ts';
import {
  type CaseResult,
  type Flags,
  type Goal,
  isMet,
  type Outcome,
  type SelfRunningBench,
} from '../bench-harness.ts';
import { LoadLoop } from '../load/load-loop.ts';
import { joined, latenciesOf, type LoadReport } from '../load/load-tally.ts';
import { OpsSampler, opsTargets, type OpsSeries } from '../load/ops-sampler.ts';
import { rise } from '../load/truths.ts';
import { type CpuUse, watchCpu } from '../measure/cpu.ts';
import { startTarget } from '../targets.ts';
import { chosenFlows } from './flows/chosen.ts';
import { watchedOf } from './flows/watched.ts';
import { countOf, objectivesOf } from './sustained/objectives.ts';

/** More than a gateway holds in flight (1,024): what overloads it must be able to wait there and beyond. */
const USERS_MAX = 1_536;
const CLOSED_USERS = 64;
const WARM_UP_MS = 6_000;
const CLOSED_MS = 10_000;
/** One look at a rate before it is held. */
const TRIAL_MS = 20_000;
/** A long load is begun anew this often, for what it came to. */
const WINDOW_MS = 30_000;
const OVERLOAD_MS = 60_000;
/** Rates tried, of the best rate of the closed loop, from the highest down. */
const RATES = [0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2] as const;
const OVERLOADS = [1.5, 3] as const;
const MS_PER_MINUTE = 60_000;
const MS_PER_SECOND = 1_000;

/** What one load came to, with the objectives of the node. */
interface Held {
  readonly report: LoadReport;
  readonly windows: readonly LoadReport[];
  readonly cpu: CpuUse;
  readonly goals: readonly Goal[];
}

/** One flow against a node of its own. */
class Trial {
  readonly #flow: FlowName;
  readonly #loop: LoadLoop;
  readonly #sampler: OpsSampler;
  readonly #watched: readonly { readonly name: string; readonly pid: number }[];

  constructor(flow: FlowName, loop: LoadLoop, state: Parameters<typeof watchedOf>[0]) {
    this.#flow = flow;
    this.#loop = loop;
    this.#sampler = new OpsSampler(opsTargets(state));
    this.#watched = [...watchedOf(state), { name: 'client', pid: loop.pid }];
  }

  /** Requests a second of the closed loop, after a warm-up. */
  async best(): Promise<number> {
    await this.#loop.run({ flow: this.#flow, ms: WARM_UP_MS, users: CLOSED_USERS });
    return rateOf(await this.#loop.run({ flow: this.#flow, ms: CLOSED_MS, users: CLOSED_USERS }));
  }

  /** Arrivals at `rate` requests a second; `untilBroken` ends them with the first window after which an objective is missed. */
  async hold(rate: number, ms: number, { untilBroken = false } = {}): Promise<Held> {
    const turnsPerSecond = rate / FLOWS[this.#flow].requestsPerTurn;
    const windows: LoadReport[] = [];
    const end = watchCpu(this.#watched);
    const from = this.#sampler.seconds;
    await this.#sampler.look();
    for (let left = ms; left > 0; left -= WINDOW_MS) {
      windows.push(await this.#loop.run({ flow: this.#flow, ms: Math.min(left, WINDOW_MS), turnsPerSecond }));
      if (untilBroken && !objectivesOf(joined(windows), { published: 0, overflowed: 0 }).every(isMet)) break;
    }
    const cpu = end();
    await this.#sampler.look();
    const report = joined(windows);
    const looks = this.#sampler.series.map((one) => since(one, from));
    const bus = {
      published: rise(looks, ({ published }) => published),
      overflowed: rise(looks, ({ overflowed }) => overflowed),
    };
    return { report, windows, cpu, goals: objectivesOf(report, bus) };
  }
}

const since = ({ instance, samples }: OpsSeries, from: number): OpsSeries => ({
  instance,
  samples: samples.filter(({ at }) => at >= from),
});

/** Right answers a second. */
const rateOf = ({ requests, failedRequests, elapsedMs }: LoadReport): number =>
  ((requests - failedRequests) / elapsedMs) * MS_PER_SECOND;

function caseOf(name: string, { report, windows, cpu }: Held): CaseResult {
  const rates = windows.map(rateOf);
  const latencies = latenciesOf(report);
  const {
    client = 0,
    bench: _,
    ...node
  } = Object.fromEntries(Object.entries(cpu.micros).map(([process, micros]) => [process, micros / report.requests]));
  return {
    case: name,
    unit: 'requests/s',
    ...{ median: rateOf(report), min: Math.min(...rates), max: Math.max(...rates), runs: windows.length },
    ...{ p50: latencies.quantile(0.5), p95: latencies.quantile(0.95), p99: latencies.quantile(0.99) },
    cpu_us: { ...node, client, total: Object.values(node).reduce((sum, micros) => sum + micros, 0) },
    errors: errorsOf(report),
  };
}

function errorsOf(report: LoadReport): Readonly<Record<string, number>> {
  const { turns, droppedTurns, failedChecks } = report;
  const wrong = Object.values(failedChecks).reduce((sum, count) => sum + count, 0);
  const counted = {
    ...Object.fromEntries([429, 500, 502, 503, 504].map((code) => [code, countOf(report, (one) => one === code)])),
    'no answer': countOf(report, (status) => status === 0),
    'claims broken': wrong,
    [`of ${turns + droppedTurns} turns never begun`]: droppedTurns,
  };
  return Object.fromEntries(Object.entries(counted).filter(([, count]) => count > 0));
}

const say = (line: string): void => void process.stdout.write(`  ${line}\n`);

function shown({ report, goals }: Held): string {
  const missed = goals.filter((goal) => !isMet(goal)).map(({ name, measured }) => `${name} ${measured.toPrecision(3)}`);
  const p95 = (latenciesOf(report).quantile(0.95) / MS_PER_SECOND).toFixed(1);
  return `${rateOf(report).toFixed(0)}/s right, p95 ${p95} ms, ${missed.length === 0 ? 'every objective met' : missed.join(', ')}`;
}

async function measureFlow(flow: FlowName, minutes: number): Promise<Outcome> {
  await using target = await startTarget('processes', { replicas: {} });
  await using loop = await LoadLoop.start(target.state.url, { users: USERS_MAX });
  const trial = new Trial(flow, loop, target.state);
  const best = await trial.best();
  say(`${flow}: ${best.toFixed(0)} requests/s, ${CLOSED_USERS} users as fast as they are answered`);
  const { rate, held } = await highest(trial, best, minutes * MS_PER_MINUTE);
  const name = (load: string): string => `${flow}, ${load}`;
  const cases = [caseOf(name(`${minutes} min`), held)];
  const ratios: Record<string, number> = {};
  for (const times of OVERLOADS) {
    const over = await trial.hold(times * rate, OVERLOAD_MS);
    say(`${flow} at ${times} times the rate: ${shown(over)}`);
    cases.push(caseOf(name(`${times} times`), over));
    ratios[name(`right answers at ${times} times / at once`)] = rateOf(over.report) / rateOf(held.report);
  }
  const after = await trial.hold(rate, WINDOW_MS);
  say(`${flow} afterwards: ${shown(after)}`);
  cases.push(caseOf(name('afterwards'), after));
  const goals = held.goals.map((goal) => ({ ...goal, name: name(goal.name) }));
  return { cases, ratios, goals, figures: { [name('rate')]: rate, [name('best of the closed loop')]: best } };
}

/** The highest of the rates that keeps every objective for so long; the lowest one as it came, where none does. */
async function highest(
  trial: Trial,
  best: number,
  ms: number,
): Promise<{ readonly rate: number; readonly held: Held }> {
  for (const part of RATES) {
    const rate = part * best;
    const isLast = part === RATES.at(-1);
    const tried = await trial.hold(rate, TRIAL_MS);
    say(`at ${rate.toFixed(0)}/s: ${shown(tried)}`);
    if (!tried.goals.every(isMet) && !isLast) continue;
    const until = new Date(Date.now() + ms).toISOString().slice(11, 19);
    say(`held until ${until} (UTC)`);
    const held = await trial.hold(rate, ms, { untilBroken: !isLast });
    say(`${(held.report.elapsedMs / MS_PER_MINUTE).toFixed(1)} min: ${shown(held)}`);
    if (held.goals.every(isMet) || isLast) return { rate, held };
  }
  throw new Error('no rate to try');
}

async function measure(flags: Flags): Promise<Outcome> {
  const minutes = Number(flags['minutes']);
  const outcomes: Outcome[] = [];
  for (const flow of chosenFlows(flags)) outcomes.push(await measureFlow(flow, minutes));
  return {
    cases: outcomes.flatMap(({ cases }) => cases),
    ratios: Object.assign({}, ...outcomes.map(({ ratios }) => ratios)) as Outcome['ratios'],
    goals: outcomes.flatMap(({ goals = [] }) => goals),
    figures: Object.assign({}, ...outcomes.map(({ figures }) => figures)) as Record<string, number>,
  };
}

/** The highest rate a process per service holds for ten minutes within every objective, and what becomes of more than that. */
export const sustained: SelfRunningBench = {
  summary: 'the highest rate that keeps every objective for ten minutes, then 1.5 and 3 times that rate',
  flags: {
    flows: { type: 'string', default: 'mixed,puts,mailbox' },
    minutes: { type: 'string', default: '10' },
  },
  run: measure,
};
