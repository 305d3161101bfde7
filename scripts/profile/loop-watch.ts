// Event-loop delay, use of the loop and garbage collections of a process, asked for through its inspector.
import type { InspectorSession } from './inspector.ts';
import type { LoopReturn } from './turns.ts';

/** Delay in ms of a timer that is due every few ms: what every callback of the process waits longer than it should. */
export interface LoopDelay {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

export interface GcKind {
  readonly kind: 'major' | 'minor' | 'incremental' | 'weak callbacks';
  readonly count: number;
  readonly totalMs: number;
  readonly maxMs: number;
}

export interface LoopReading {
  readonly delayMs: LoopDelay;
  /** Share of the time the loop was not waiting for events (0 to 1). */
  readonly utilization: number;
  readonly gc: readonly GcKind[];
  /** CPU of the whole process, every thread and the kernel on its behalf, in ms. */
  readonly cpuMs: { readonly user: number; readonly system: number };
  /** When the loop came round; a few ms apart at the least. */
  readonly returns: readonly LoopReturn[];
  readonly heap: { readonly usedBytes: number; readonly totalBytes: number; readonly externalBytes: number };
}

/** Runs in the process that is watched: it has what Node gives it and nothing of ours. */
function begin(): void {
  const hooks = process.getBuiltinModule('node:perf_hooks');
  const { performance, PerformanceObserver, monitorEventLoopDelay, constants } = hooks;
  const delay = monitorEventLoopDelay({ resolution: 2 });
  delay.enable();
  const names: Readonly<Record<number, string>> = {
    [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
    [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
    [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
    [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weak callbacks',
  };
  const gc = new Map<string, { count: number; totalMs: number; maxMs: number }>();
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { duration } = entry;
      // Its type is that of every kind of entry; one of a collection has this.
      const kind = names[(entry as unknown as { readonly detail: { readonly kind: number } }).detail.kind] ?? 'major';
      const seen = gc.get(kind) ?? { count: 0, totalMs: 0, maxMs: 0 };
      gc.set(kind, {
        count: seen.count + 1,
        totalMs: seen.totalMs + duration,
        maxMs: Math.max(seen.maxMs, duration),
      });
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  const returns: LoopReturn[] = [];
  const timer = setInterval(() => {
    const { user, system } = process.threadCpuUsage();
    returns.push({ at: Number(process.hrtime.bigint() / 1_000n), cpu: user + system });
  }, 2);
  const before = performance.eventLoopUtilization();
  const cpuBefore = process.cpuUsage();
  const end = (): LoopReading => {
    const cpu = process.cpuUsage(cpuBefore);
    const { utilization } = performance.eventLoopUtilization(before);
    clearInterval(timer);
    observer.disconnect();
    delay.disable();
    const ms = (nanos: number): number => nanos / 1_000_000;
    const memory = process.memoryUsage();
    return {
      delayMs: {
        p50: ms(delay.percentile(50)),
        p90: ms(delay.percentile(90)),
        p99: ms(delay.percentile(99)),
        max: ms(delay.max),
      },
      utilization,
      gc: [...gc].map(([kind, seen]) => ({ kind: kind as 'major', ...seen })),
      cpuMs: { user: cpu.user / 1_000, system: cpu.system / 1_000 },
      returns,
      heap: { usedBytes: memory.heapUsed, totalBytes: memory.heapTotal, externalBytes: memory.external },
    };
  };
  (globalThis as { profileLoopWatch?: () => LoopReading }).profileLoopWatch = end;
}

interface Evaluated<T> {
  readonly result: { readonly value: T };
  readonly exceptionDetails?: { readonly text: string; readonly exception?: { readonly description?: string } };
}

async function evaluate<T>(session: InspectorSession, expression: string): Promise<T> {
  const { result, exceptionDetails } = await session.send<Evaluated<T>>('Runtime.evaluate', {
    expression,
    returnByValue: true,
  });
  if (exceptionDetails !== undefined) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  return result.value;
}

/** Starts watching; the function it answers ends it. */
export async function watchLoop(session: InspectorSession): Promise<() => Promise<LoopReading>> {
  await evaluate(session, `(${begin.toString()})()`);
  return () =>
    evaluate<LoopReading>(
      session,
      '(() => { const end = globalThis.profileLoopWatch; delete globalThis.profileLoopWatch; return end(); })()',
    );
}
