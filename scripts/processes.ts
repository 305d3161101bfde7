// Starting and stopping a supervised macronode: what up, down and the e2e run share.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './bootstrap.mjs';
import { poll } from './poll.ts';
import { isStill, readState, redisPid, signal, stateFile, type ProcessState, type RunState } from './run-state.ts';
import { StageFailed } from './stages.ts';
import type { SupervisorOrder } from './supervisor.ts';

const READY_TIMEOUT_MS = 60_000;
/** For each process that is replaced. */
const REPLACE_TIMEOUT_MS = 60_000;
const LOG_LINES_SHOWN = 15;
const SUPERVISOR = join(ROOT, 'scripts', 'supervisor.ts');

/** The state of what runs under this folder; undefined when nothing does. */
export function runningState(runDir: string): RunState | undefined {
  const state = readState(stateFile(runDir));
  const alive = state?.supervisorPid !== undefined && isStill(state.supervisorPid, 'supervisor.ts');
  return alive ? state : undefined;
}

/** Starts the supervisor in the background and waits until every process is ready. Throws with a log's end otherwise. */
export async function startProcesses(order: SupervisorOrder): Promise<RunState> {
  const logDir = join(order.runDir, 'logs');
  mkdirSync(logDir, { recursive: true });
  rmSync(stateFile(order.runDir), { force: true });
  const orderFile = join(order.runDir, 'order.json');
  writeFileSync(orderFile, JSON.stringify(order, null, 2));
  const supervisorLog = join(logDir, 'supervisor.log');
  const log = openSync(supervisorLog, 'w');
  const child = spawn(process.execPath, [SUPERVISOR, orderFile], {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  child.unref();
  let state: RunState | undefined;
  try {
    await poll('the macronode', READY_TIMEOUT_MS, () => {
      if (child.exitCode !== null) throw new StageFailed(`The supervisor ended.\n${logEnd(supervisorLog)}`);
      state = readState(stateFile(order.runDir));
      const broken = state?.processes.find(({ status }) => status === 'quarantined');
      if (broken !== undefined) throw new StageFailed(`${label(broken)} does not stay up.\n${logEnd(broken.log)}`);
      return state !== undefined && state.processes.every(({ status }) => status === 'ready');
    });
  } catch (error) {
    const late = state?.processes.find(({ status }) => status !== 'ready');
    await stopProcesses(order.runDir);
    if (error instanceof StageFailed || late === undefined) throw error;
    throw new StageFailed(
      `${label(late)} is ${late.status}, not ready, after ${READY_TIMEOUT_MS / 1000} s.\n${logEnd(late.log)}`,
    );
  }
  if (state === undefined) throw new Error('ready without a state');
  return state;
}

/** Has the supervisor replace every process, one after another, and waits for the last. Undefined when nothing runs. */
export async function replaceProcesses(runDir: string): Promise<RunState | undefined> {
  const before = runningState(runDir);
  if (before?.supervisorPid === undefined) return undefined;
  const old = new Set(before.processes.map(({ pid }) => pid));
  signal(before.supervisorPid, 'SIGUSR2');
  let state: RunState | undefined;
  await poll('every process to be replaced', REPLACE_TIMEOUT_MS * before.processes.length, () => {
    state = runningState(runDir);
    return state?.processes.every(({ pid, status }) => status === 'ready' && !old.has(pid)) === true;
  });
  return state;
}

const label = ({ service, index }: ProcessState): string => `${service}-${index}`;

function logEnd(file: string): string {
  if (!existsSync(file)) return `(${file} is missing)`;
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n').slice(-LOG_LINES_SHOWN);
  return `${lines.join('\n')}\n(end of ${file})`;
}

const STOP_TIMEOUT_MS = 20_000;

/**
 * Stops by process id what the state file names: the supervisor, which stops the rest in order; then, should it be gone
 * or too slow, every process itself. Answers how many were stopped; only those that are still ours are touched.
 */
export async function stopProcesses(runDir: string, timeoutMs: number = STOP_TIMEOUT_MS): Promise<number> {
  const file = stateFile(runDir);
  const state = readState(file);
  if (state === undefined) return 0;
  const mine = livingProcesses(state);
  if (state.supervisorPid !== undefined && isStill(state.supervisorPid, 'supervisor.ts')) {
    const { supervisorPid } = state;
    signal(supervisorPid, 'SIGTERM');
    const ended = await within(timeoutMs, () => !isStill(supervisorPid, 'supervisor.ts'));
    if (!ended) signal(supervisorPid, 'SIGKILL');
  }
  const left = livingProcesses(readState(file) ?? state);
  for (const { pid } of left) signal(pid, 'SIGTERM');
  if (!(await within(timeoutMs, () => livingProcesses(state).length === 0))) {
    for (const { pid } of livingProcesses(state)) signal(pid, 'SIGKILL');
  }
  rmSync(file, { force: true });
  return mine.length;
}

function livingProcesses(state: RunState): readonly { pid: number }[] {
  const services = state.processes.flatMap(({ pid, service }) =>
    pid !== undefined && isStill(pid, join('apps', service, 'dist')) ? [{ pid }] : [],
  );
  const { redis } = state;
  const pid = redis === undefined ? undefined : redisPid(redis);
  return pid !== undefined && isStill(pid, String(redis?.port)) ? [...services, { pid }] : services;
}

async function within(timeoutMs: number, probe: () => boolean): Promise<boolean> {
  try {
    await poll('the processes to end', timeoutMs, probe);
    return true;
  } catch {
    return false;
  }
}

/** One line per process, for people. */
export function statusTable(state: RunState): string {
  const head = ['process', 'status', 'pid', 'restarts', 'ops', 'log'];
  const rows = [...state.processes]
    .reverse()
    .map((one) => [
      label(one),
      one.status,
      one.pid === undefined ? '-' : String(one.pid),
      String(one.restarts),
      one.ops,
      one.log,
    ]);
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd();
  const redis =
    state.redis === undefined
      ? ''
      : `\nredis    ${state.redis.url} (pid ${redisPid(state.redis)}, data in ${state.redis.dir})`;
  const registry = state.registryUrl === undefined ? '' : `\nregistry ${state.registryUrl}`;
  return `${[head, ...rows].map(line).join('\n')}\n\ngateway  ${state.url}${registry}${redis}`;
}
