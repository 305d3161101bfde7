// Counts what each case allocates, in a process whose young generation is so large that no collection disturbs the count.
import { Session } from 'node:inspector/promises';
import { GCProfiler } from 'node:v8';
import { FRAME_CASES, type FrameCase } from './frame-cases.ts';
import type { Allocations, AllocationsMessage } from './messages.ts';

/** Until a case runs as compiled as it will. */
const WARM_UP = 50_000;
const OPERATIONS = 20_000;
/** Entries of one count: each allocation of a sampled run is a record of the profiler's, so there are fewer. */
const SAMPLED_OPERATIONS = 500;

const { gc } = globalThis;
if (gc === undefined) throw new Error('to be started with --expose-gc');

/** Bytes an operation leaves behind: on the heap, and in buffers outside of it. Fewer operations when a collection got in. */
function bytesOf(work: () => unknown, operations: number): { readonly heap: number; readonly buffers: number } {
  // Buffers are freed behind a collection, on other threads; the second one waits for that.
  void gc?.();
  void gc?.();
  const profiler = new GCProfiler();
  profiler.start();
  const before = process.memoryUsage();
  for (let at = 0; at < operations; at += 1) work();
  const after = process.memoryUsage();
  const collections = profiler.stop()?.statistics.length ?? 0;
  if (collections > 0 && operations > 1) return bytesOf(work, Math.floor(operations / 2));
  return {
    heap: (after.heapUsed - before.heapUsed) / operations,
    buffers: (after.arrayBuffers - before.arrayBuffers) / operations,
  };
}

/** Allocations on the heap per operation, from V8's sampling profiler with every allocation sampled. */
async function countOf(work: () => unknown): Promise<number> {
  void gc?.();
  const session = new Session();
  session.connect();
  const samplesOf = async (run: () => void): Promise<number> => {
    await session.post('HeapProfiler.startSampling', {
      samplingInterval: 1,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    });
    run();
    const { profile } = await session.post('HeapProfiler.stopSampling');
    // One per sampled allocation; Node's types leave the field out.
    return (profile as typeof profile & { readonly samples: readonly unknown[] }).samples.length;
  };
  const idle = await samplesOf(() => undefined);
  const busy = await samplesOf(() => {
    for (let at = 0; at < SAMPLED_OPERATIONS; at += 1) work();
  });
  session.disconnect();
  return (busy - idle) / SAMPLED_OPERATIONS;
}

async function allocationsOf({ frames, work }: FrameCase): Promise<Allocations> {
  for (let at = 0; at < WARM_UP; at += 1) work();
  const { heap, buffers } = bytesOf(work, OPERATIONS);
  return { heapBytes: heap / frames, bufferBytes: buffers / frames, count: (await countOf(work)) / frames };
}

const byCase: Record<string, Allocations> = {};
for (const each of FRAME_CASES) byCase[each.name] = await allocationsOf(each);
process.send?.({ type: 'allocations', byCase } satisfies AllocationsMessage);
process.disconnect();
