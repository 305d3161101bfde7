// System calls of a running process that fail or take longer, by strace.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { poll } from '../poll.ts';
import { requireProgram } from '../programs.ts';
import type { Mend } from './mend.ts';

/** What makes written bytes last. */
export const SYNCS = ['fsync', 'fdatasync'] as const;
/** Far more than a sync takes on a sound disk, far less than anybody waits for. */
export const SYNC_DELAY_MS = 300;
/** What SQLite and Node read and write files with. */
export const READS_AND_WRITES = ['pread64', 'pwrite64', 'preadv', 'pwritev', 'preadv2', 'pwritev2'] as const;

const ATTACH_TIMEOUT_MS = 5_000;

/** Whether somebody traces a process, as the kernel says. */
const isTraced = (pid: number): boolean => !/^TracerPid:\t0$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));

/** Changes these calls of a process as strace's `inject` says (`error=EIO`, `delay_exit=MICROSECONDS`), until it is ended. */
export async function injectedCalls(pid: number, calls: readonly string[], inject: string): Promise<Mend> {
  const strace = requireProgram('strace');
  const list = calls.join(',');
  const args = ['-f', '-qq', '-o', '/dev/null', '-p', String(pid)];
  const child = spawn(strace, [...args, '-e', `trace=${list}`, '-e', `inject=${list}:${inject}`], { stdio: 'ignore' });
  await poll(`strace at process ${pid}`, ATTACH_TIMEOUT_MS, () => {
    if (child.exitCode !== null) throw new Error(`strace could not attach to ${pid} (exit code ${child.exitCode})`);
    return isTraced(pid);
  });
  return async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGINT');
    await gone;
  };
}
