// The state file of a running macronode: what runs where. Written by the supervisor, read by status, down and the tests.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { RedisProcess } from './redis.ts';

export type ProcessStatus = 'starting' | 'ready' | 'unready' | 'restarting' | 'quarantined' | 'stopped';

export interface ProcessState {
  readonly service: string;
  readonly index: number;
  /** Undefined while it waits for its next start. */
  readonly pid: number | undefined;
  readonly status: ProcessStatus;
  readonly restarts: number;
  readonly ops: string;
  readonly log: string;
}

export interface RunState {
  readonly target: 'micronode' | 'processes' | 'compose' | 'url';
  /** Base URL of the public surface. */
  readonly url: string;
  /** Base URL of the registry's own port; undefined where it has none, as in a micronode. */
  readonly registryUrl?: string | undefined;
  /** Two gateways of one mesh, the second of which enforces scores; only of a target that has them. */
  readonly meshed?: readonly { readonly url: string; readonly ops: string }[] | undefined;
  /** Base URLs of the ops ports by service, replica by replica. */
  readonly ops: Readonly<Record<string, readonly string[]>>;
  readonly processes: readonly ProcessState[];
  /** Present when the Redis is ours to stop and start. */
  readonly redis?: RedisProcess | undefined;
  readonly supervisorPid?: number | undefined;
  /** Root of the data folders, one per service; undefined in amnesia. */
  readonly dataDir?: string | undefined;
}

export const stateFile = (runDir: string): string => join(runDir, 'state.json');

/** Replaces the file in one step, so that a reader never sees half of it. */
export function writeState(file: string, state: RunState): void {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify(state, null, 2)}\n`);
  renameSync(temporary, file);
}

export function readState(file: string): RunState | undefined {
  if (!existsSync(file)) return undefined;
  return JSON.parse(readFileSync(file, 'utf8')) as RunState;
}

/** True when a process with this id exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * True when the process is still the one the state file means: ids are used again after a reboot.
 * Where the system does not show command lines (no /proc) the id has to do.
 */
export function isStill(pid: number, part: string): boolean {
  if (!isAlive(pid)) return false;
  const file = `/proc/${pid}/cmdline`;
  if (!existsSync(file)) return true;
  try {
    return readFileSync(file, 'utf8').includes(part);
  } catch {
    return false;
  }
}

/** The process id of a Redis of ours: the one it wrote itself, should somebody have started it again. */
export function redisPid(redis: RedisProcess): number {
  const written = existsSync(redis.pidFile) ? Number.parseInt(readFileSync(redis.pidFile, 'utf8'), 10) : Number.NaN;
  return Number.isNaN(written) ? redis.pid : written;
}

/** Sends a signal; false when the process is gone. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
