// What a part of the node costs: the same load on a node with it and on one without, round by round.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { TOGGLES } from '@macronode/service';
import type { RunReport } from '../../k6/lib/summary.ts';
import { everyRoute, latencyOf } from '../../k6/profiles/thresholds.ts';
import { planOf } from '../../k6/profiles/profiles.ts';
import { watchCpu } from '../measure/cpu.ts';
import { readState, type RunState } from '../run-state.ts';
import type { RunningTarget } from '../targets.ts';
import { type K6Order, runK6 } from './k6-run.ts';
import { opsTargets } from './ops-sampler.ts';

export type WithoutOrder = Omit<K6Order, 'plan' | 'run' | 'url' | 'opsUrls' | 'dir'> & {
  readonly dir: string;
  readonly rounds: number;
};

/** One round on one node. */
export interface RoundResult {
  /** Milliseconds by route, `METHOD template`. */
  readonly p50Ms: Readonly<Record<string, number>>;
  readonly p95Ms: Readonly<Record<string, number>>;
  readonly requestsPerSecond: number;
  /** CPU microseconds of a request, by service. */
  readonly cpuMicros: Readonly<Record<string, number>>;
}

export interface Delta {
  readonly what: string;
  /** Medians over the rounds. */
  readonly on: number;
  readonly without: number;
}

const RUN_BYTES = 4;

/** Throws where the node does not show a switch of this name: it would be measured against itself. */
export async function mustBeOff(state: RunState, name: string): Promise<void> {
  const key = Object.entries(TOGGLES).find(([, { env }]) => env === name)?.[0] ?? name;
  const shows = await Promise.all(
    opsTargets(state).map(async ({ url }) =>
      new RegExp(`^config_value\\{[^}]*key="${key}"[^}]*\\} 0$`, 'm').test(
        await (await fetch(`${url}/metrics`)).text(),
      ),
    ),
  );
  if (!shows.includes(true)) {
    throw new Error(
      `No process shows config_value{key="${key}"} 0: this node has no switch ${name}, or it is not off.`,
    );
  }
}

/** The rounds of both nodes, one after the other, so that what the machine does meanwhile meets both. */
export async function runRounds(
  order: WithoutOrder,
  on: Pick<RunningTarget, 'state' | 'control'>,
  without: Pick<RunningTarget, 'state' | 'control'>,
): Promise<{ readonly on: readonly RoundResult[]; readonly without: readonly RoundResult[] }> {
  const results = { on: [] as RoundResult[], without: [] as RoundResult[] };
  for (let round = 1; round <= order.rounds; round += 1) {
    for (const [side, node] of [
      ['on', on],
      ['without', without],
    ] as const) {
      process.stderr.write(`> round ${round} of ${order.rounds}, ${side}\n`);
      results[side].push(await oneRound(order, node, join(order.dir, `${side}-${round}`)));
    }
  }
  return results;
}

async function oneRound(
  order: WithoutOrder,
  { control }: Pick<RunningTarget, 'control'>,
  dir: string,
): Promise<RoundResult> {
  const node = readState(control);
  if (node === undefined) throw new Error('the node of this round is gone');
  const plan = planOf(order.profile, order.wishes);
  const services = node.processes.flatMap(({ service, pid }) => (pid === undefined ? [] : [{ name: service, pid }]));
  const watch = watchCpu(services);
  const run = randomBytes(RUN_BYTES).toString('hex');
  const { report, exitCode } = await runK6({ ...order, plan, url: node.url, run, opsUrls: [], dir });
  const { micros } = watch();
  if (report === undefined) throw new Error(`k6 ended with ${exitCode} and no result`);
  return roundOf(report, micros);
}

function roundOf(report: RunReport, micros: Readonly<Record<string, number>>): RoundResult {
  const requests = report.metrics['http_reqs']?.values['count'] ?? 0;
  const latencies = (statistic: string): Readonly<Record<string, number>> =>
    Object.fromEntries(
      everyRoute.flatMap((route) => {
        const values = report.metrics[latencyOf(route)]?.values;
        return values === undefined || values['max'] === 0 ? [] : [[route, values[statistic] ?? Number.NaN]];
      }),
    );
  const services = Object.entries(micros).filter(([name]) => name !== 'bench');
  return {
    p50Ms: latencies('med'),
    p95Ms: latencies('p(95)'),
    requestsPerSecond: requests / (report.durationMs / 1_000),
    cpuMicros: Object.fromEntries(services.map(([name, spent]) => [name, spent / requests])),
  };
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return ((sorted[Math.floor((sorted.length - 1) / 2)] ?? 0) + (sorted[Math.ceil((sorted.length - 1) / 2)] ?? 0)) / 2;
}

/** Medians of both sides, for everything both showed. */
export function deltasOf(on: readonly RoundResult[], without: readonly RoundResult[]): readonly Delta[] {
  const one = (what: string, of: (round: RoundResult) => number | undefined): Delta[] => {
    const [a, b] = [on, without].map((rounds) => rounds.flatMap((round) => of(round) ?? []));
    return a?.length && b?.length ? [{ what, on: medianOf(a), without: medianOf(b) }] : [];
  };
  const keys = (of: (round: RoundResult) => object): readonly string[] =>
    Object.keys(on[0] === undefined ? {} : of(on[0]));
  return [
    ...keys(({ p50Ms }) => p50Ms).flatMap((route) => [
      ...one(`${route} p50 ms`, ({ p50Ms }) => p50Ms[route]),
      ...one(`${route} p95 ms`, ({ p95Ms }) => p95Ms[route]),
    ]),
    ...one('requests/s', ({ requestsPerSecond }) => requestsPerSecond),
    ...keys(({ cpuMicros }) => cpuMicros).flatMap((service) =>
      one(`${service} CPU µs a request`, ({ cpuMicros }) => cpuMicros[service]),
    ),
  ];
}

export function deltaLines(name: string, deltas: readonly Delta[]): readonly string[] {
  const width = Math.max(...deltas.map(({ what }) => what.length));
  return [
    `  ${''.padEnd(width)}         on    without ${name}      delta`,
    ...deltas.map(
      ({ what, on, without }) =>
        `  ${what.padEnd(width)} ${on.toFixed(2).padStart(10)} ${without.toFixed(2).padStart(12)} ${`${(((without - on) / on) * 100).toFixed(1)} %`.padStart(12)}`,
    ),
  ];
}
