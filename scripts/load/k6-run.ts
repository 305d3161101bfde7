// One run of k6: its settings, its live line, and its result.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { RunReport } from '../../k6/lib/summary.ts';
import type { Plan } from '../../k6/profiles/profile.ts';
import type { Wishes } from '../../k6/profiles/profiles.ts';
import { ROOT } from '../bootstrap.mjs';
import { freePort } from '../ports.ts';
import { runProgram } from '../stages.ts';
import { prepareObjects } from './fresh-objects.ts';
import { k6Command } from './k6-command.ts';
import { followRun, type Moment, ProgressLine } from './progress.ts';

const BUNDLE = join(ROOT, 'k6', 'dist', 'main.js');
/** Points of the graphs in the HTML report. */
const PERIODS = 600;
const PERIOD_MAX_S = 60;

export interface K6Order {
  readonly profile: string;
  readonly wishes: Wishes;
  readonly plan: Plan;
  /** How long the load lasts, in seconds. */
  readonly seconds: number;
  readonly url: string;
  readonly token?: string | undefined;
  /** Part of names, topics and correlation ids: eight hex digits. */
  readonly run: string;
  /** File with the keys of the signers of the registry. */
  readonly signers?: string | undefined;
  /** Ops addresses that must be ready. */
  readonly opsUrls: readonly string[];
  /** Where the reports go. */
  readonly dir: string;
  /** Base address of a Prometheus that takes remote writes. */
  readonly prometheus?: string | undefined;
  /** Tag of every series there. */
  readonly testId: string;
  /** API of toxiproxy. */
  readonly toxiproxy?: string | undefined;
  readonly k6Args?: readonly string[];
}

export interface K6Result {
  readonly exitCode: number;
  /** Absent when k6 ended before it had one. */
  readonly report?: RunReport;
  readonly timeline: readonly Moment[];
}

export const bundleScenarios = (): Promise<void> =>
  runProgram(['npm', 'run', 'bundle', '--silent', '--workspace', '@macronode/k6']);

/** What writes the series of a run to a Prometheus: flags, and settings of k6. The board of load tests reads these percentiles. */
export function remoteWrite(url: string, testId: string) {
  return {
    flags: ['--out', 'experimental-prometheus-rw', '--tag', `testid=${testId}`],
    env: {
      K6_PROMETHEUS_RW_SERVER_URL: `${url}/api/v1/write`,
      K6_PROMETHEUS_RW_TREND_STATS: 'p(50),p(95),p(99)',
      K6_PROMETHEUS_RW_PUSH_INTERVAL: '1s',
    },
  };
}

/** Settings the scenarios read, as `-e` flags; empty ones are left out. */
function scenarioFlags(order: K6Order, poolDir: string, summaryFile: string): readonly string[] {
  const { wishes } = order;
  const settings: Readonly<Record<string, string | undefined>> = {
    PROFILE: order.profile,
    BASE_URL: order.url,
    TOKEN: order.token,
    RUN: order.run,
    RATE: wishes.rate?.toString(),
    FLOWS: wishes.flows?.join(','),
    DURATION: wishes.seconds === undefined ? undefined : `${wishes.seconds}s`,
    REGION: wishes.region,
    SIGNERS_FILE: order.signers,
    OPS_URLS: order.opsUrls.join(','),
    POOL_DIR: poolDir,
    SUMMARY_FILE: summaryFile,
    TOXIPROXY_URL: order.toxiproxy,
    TIMETABLE: wishes.timetable,
  };
  return Object.entries(settings).flatMap(([key, value]) =>
    value === undefined || value === '' ? [] : ['-e', `${key}=${value}`],
  );
}

/** Runs k6 to its end, whatever comes of it. Throws where it cannot be started, or would store too much. */
export async function runK6(order: K6Order): Promise<K6Result> {
  mkdirSync(order.dir, { recursive: true });
  const summaryFile = join(order.dir, 'k6.json');
  const poolDir = order.profile === 'smoke' ? '' : join(order.dir, 'pool');
  if (poolDir !== '') {
    mkdirSync(poolDir, { recursive: true });
    const { count, seconds } = prepareObjects(poolDir, order.run, order.plan);
    process.stderr.write(`> ${count} fresh objects hashed in ${seconds.toFixed(1)} s\n`);
  }
  const port = await freePort();
  const written = order.prometheus === undefined ? undefined : remoteWrite(order.prometheus, order.testId);
  const env = {
    K6_WEB_DASHBOARD: 'true',
    K6_WEB_DASHBOARD_HOST: '127.0.0.1',
    K6_WEB_DASHBOARD_PORT: String(port),
    K6_WEB_DASHBOARD_PERIOD: `${Math.min(PERIOD_MAX_S, Math.max(1, Math.round(order.seconds / PERIODS)))}s`,
    K6_WEB_DASHBOARD_EXPORT: join(order.dir, 'report.html'),
    ...written?.env,
  };
  const command = [
    ...(await k6Command(env, foldersOf(order))),
    '--quiet',
    ...(written?.flags ?? []),
    ...scenarioFlags(order, poolDir, summaryFile),
    ...(order.k6Args ?? []),
    BUNDLE,
  ];
  try {
    const { exitCode, timeline } = await watched(command, env, `http://127.0.0.1:${port}`);
    const report = existsSync(summaryFile) ? (JSON.parse(readFileSync(summaryFile, 'utf8')) as RunReport) : undefined;
    return { exitCode, timeline, ...(report !== undefined && { report }) };
  } finally {
    if (poolDir !== '') rmSync(poolDir, { recursive: true, force: true });
  }
}

/** What k6 reads and writes: inside an image it sees nothing else. */
const foldersOf = ({ dir, signers }: K6Order): readonly string[] => [
  ...[dirname(BUNDLE), dir],
  ...(signers === undefined ? [] : [dirname(signers)]),
];

async function watched(
  [program = '', ...args]: readonly string[],
  env: Readonly<Record<string, string>>,
  dashboard: string,
): Promise<{ exitCode: number; timeline: readonly Moment[] }> {
  const timeline: Moment[] = [];
  const line = new ProgressLine();
  const ended = new AbortController();
  const child = spawn(program, args, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, ...env } });
  // Ctrl-C reaches k6 by itself: it ends the run and still writes its result.
  const passOn = (): void => void child.kill('SIGTERM');
  const stay = (): void => undefined;
  process.on('SIGTERM', passOn).on('SIGINT', stay);
  const followed = followRun(dashboard, ended.signal, (moment) => {
    timeline.push(moment);
    line.show(moment);
  });
  try {
    const exitCode = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => resolve(code ?? 1));
    });
    return { exitCode, timeline };
  } finally {
    ended.abort();
    await followed;
    line.end();
    process.off('SIGTERM', passOn).off('SIGINT', stay);
  }
}
