// What processes cost, read from Linux's /proc: the same method for a client, a server and a Redis.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const MICROS_PER_SECOND = 1_000_000;

/** Microseconds in one tick of the kernel's clock (10,000 on most systems). */
const tickMicros = (() => {
  let found: number | undefined;
  return (): number =>
    (found ??= MICROS_PER_SECOND / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' })));
})();

/**
 * CPU time of all threads of a process so far, in microseconds. From the scheduler's own account (nanoseconds) where
 * the kernel keeps one, else from user and system time in clock ticks. Throws when the process is gone.
 */
function cpuMicrosOf(pid: number): number {
  try {
    let nanos = 0;
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      nanos += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ', 1)[0]);
    }
    if (nanos > 0) return nanos / 1_000;
  } catch {
    // no such account in this kernel, or a thread ended between the two reads
  }
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses may hold anything; user and system time are the 12th and 13th field after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * tickMicros();
}

/** CPU time the whole machine has spent so far other than idle and waiting for disks, in microseconds. */
function machineBusyMicros(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] =
    readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]?.trim().split(/\s+/).slice(1).map(Number) ?? [];
  return (user + nice + system + irq + softirq) * tickMicros();
}

/** Resident memory of a process, in bytes. Throws when the process is gone. */
export function residentBytesOf(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kib === undefined) throw new Error(`process ${pid} has no resident memory: it ended`);
  return Number(kib) * 1_024;
}

/** What some processes, and everything else on the machine, did between two looks. */
export interface CpuUse {
  /** CPU microseconds by the name the process was given. */
  readonly micros: Readonly<Record<string, number>>;
  /** Share of the machine that went to processes that are not ours (0 to 1). */
  readonly foreignShare: number;
}

/** Starts counting; the function it returns ends it. Processes that share a name are added up. */
export function watchCpu(processes: readonly { readonly name: string; readonly pid: number }[]): () => CpuUse {
  const watched = [...processes, { name: 'bench', pid: process.pid }];
  const before = watched.map(({ pid }) => cpuMicrosOf(pid));
  const machineBefore = machineBusyMicros();
  const startedAt = performance.now();
  return () => {
    const machine = machineBusyMicros() - machineBefore;
    const elapsedMicros = (performance.now() - startedAt) * 1_000;
    const micros: Record<string, number> = {};
    let own = 0;
    for (const [at, { name, pid }] of watched.entries()) {
      const spent = cpuMicrosOf(pid) - (before[at] ?? 0);
      micros[name] = (micros[name] ?? 0) + spent;
      own += spent;
    }
    return { micros, foreignShare: Math.max(0, (machine - own) / (elapsedMicros * availableParallelism())) };
  };
}
