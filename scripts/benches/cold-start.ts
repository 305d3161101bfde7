import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SERVICES } from '@macronode/contracts';
import type { CaseResult, Flags, Outcome, SelfRunningBench } from '../bench-harness.ts';
import { appCommand } from '../bootstrap.mjs';
import { answersOk, poll } from '../poll.ts';
import { freePort } from '../ports.ts';
import { type OwnRedis, startRedis } from '../redis.ts';

/** What the objectives allow from the start of a process until /readyz says so, in seconds. */
const READY_SECONDS_MAX = 2;
const READY_TIMEOUT_MS = 20_000;
const POLL_MS = 5;
const APPS = ['micronode', ...SERVICES] as const;
type App = (typeof APPS)[number];
const PUBLIC: ReadonlySet<App> = new Set(['micronode', 'gateway']);

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}

/** Seconds from the start of the process until it is ready. */
async function secondsToReady(app: App, redis: OwnRedis, dataDir: string): Promise<number> {
  const opsPort = await freePort();
  const [program, ...args] = appCommand(app);
  const bus = app === 'micronode' ? {} : { BUS_LINK: 'redis', REDIS_URL: redis.url };
  const settings = { ...bus, OPS_PORT: String(opsPort), DATA_DIR: dataDir, NODE_ID: 'bench', LOG_LEVEL: 'warn' };
  const port = { REGISTRY_PORT: '0', ...(PUBLIC.has(app) && { PORT: String(await freePort()) }) };
  const startedAt = performance.now();
  const child = spawn(program, args, { stdio: 'ignore', env: { ...process.env, ...settings, ...port } });
  try {
    const ready = (): Promise<boolean> => {
      if (child.exitCode !== null) throw new Error(`${app} ended with ${child.exitCode}`);
      return answersOk(`http://127.0.0.1:${opsPort}/readyz`);
    };
    await poll(app, READY_TIMEOUT_MS, ready, POLL_MS);
    return (performance.now() - startedAt) / 1_000;
  } finally {
    await ended(child);
  }
}

async function measure(flags: Flags): Promise<Outcome> {
  const runs = Number(flags['runs']);
  await using redis = await startRedis({ appendOnly: false });
  const dataDir = mkdtempSync(join(tmpdir(), 'macronode-bench-'));
  try {
    // Whoever is asked by others has to be there for them to be ready.
    const cases: CaseResult[] = [];
    for (const app of APPS) {
      const seconds: number[] = [];
      for (let run = 0; run < runs; run += 1) seconds.push(await secondsToReady(app, redis, dataDir));
      seconds.sort((a, b) => a - b);
      const at = (index: number): number => Number((seconds[index] ?? Number.NaN).toFixed(3));
      cases.push({ case: app, unit: 's', median: at(Math.floor(runs / 2)), min: at(0), max: at(runs - 1), runs });
      process.stdout.write(`  ${app.padEnd(10)} ${at(Math.floor(runs / 2))} s   (${at(0)} to ${at(runs - 1)})\n`);
    }
    const slowest = Math.max(...cases.map(({ median }) => median));
    const goals = [{ name: 'cold_start_seconds', measured: slowest, is: 'at most', bound: READY_SECONDS_MAX } as const];
    return { cases, ratios: {}, goals };
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** From the start of a process until it says that it is ready, which is when it may be asked. */
export const coldStart: SelfRunningBench = {
  summary: 'seconds from the start of each process until /readyz answers 200',
  run: measure,
};
