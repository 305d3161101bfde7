// One recording of one process: CPU of every thread, then what it allocates.
import { type CpuProfile, joined, stackTree, type StackNode } from './cpu-profile.ts';
import type { HeapProfile } from './heap-profile.ts';
import type { InspectedProcess, InspectorSession } from './inspector.ts';
import { type LoopReading, watchLoop } from './loop-watch.ts';

/** Microseconds between two samples: a turn of a millisecond is seen, and the process is not slowed more than it must be. */
const CPU_INTERVAL_MICROS = 500;
/** Bytes between two samples of the heap, on the average: what is allocated often is seen, and the process hardly slows. */
const HEAP_INTERVAL_BYTES = 32 * 1024;

export interface ThreadProfile {
  /** `main`, or the file of the worker. */
  readonly thread: string;
  readonly profile: CpuProfile;
}

export interface CpuRecording {
  readonly threads: readonly ThreadProfile[];
  readonly loop: LoopReading;
}

async function startCpu(session: InspectorSession): Promise<() => Promise<CpuProfile>> {
  await session.send('Profiler.enable');
  await session.send('Profiler.setSamplingInterval', { interval: CPU_INTERVAL_MICROS });
  await session.send('Profiler.start');
  return async () => (await session.send<{ profile: CpuProfile }>('Profiler.stop')).profile;
}

/** Profiles all threads of the process for as long as `work` takes. */
export async function recordCpu(inspected: InspectedProcess, work: () => Promise<void>): Promise<CpuRecording> {
  const sessions = [{ name: 'main', session: inspected.main }, ...inspected.workers];
  const stops = await Promise.all(
    sessions.map(async ({ name, session }) => ({ thread: name, stop: await startCpu(session) })),
  );
  const endLoop = await watchLoop(inspected.main);
  await work();
  const loop = await endLoop();
  const threads: ThreadProfile[] = [];
  for (const { thread, stop } of stops) threads.push({ thread, profile: await stop() });
  return { threads, loop };
}

/** What the main thread allocates while `work` runs, with what was collected since: of garbage, too, comes the cost. */
export async function recordHeap({ main }: InspectedProcess, work: () => Promise<void>): Promise<HeapProfile> {
  await main.send('HeapProfiler.enable');
  await main.send('HeapProfiler.startSampling', {
    samplingInterval: HEAP_INTERVAL_BYTES,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  });
  await work();
  return (await main.send<{ profile: HeapProfile }>('HeapProfiler.stopSampling')).profile;
}

/** Time of all threads below one root. */
export const treeOf = (title: string, threads: readonly ThreadProfile[]): StackNode =>
  joined(
    title,
    threads.map(({ thread, profile }) => stackTree(profile, thread)),
  );
