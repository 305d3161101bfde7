import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { CHUNK_BYTES, hashBytes } from '@macronode/content';
import type { BenchCase } from '../../bench-harness.ts';

/** Chunks on their way to the thread at once: a window of a stream. */
const WINDOW = 16;
const MICROS_PER_MS = 1_000;

/** Microseconds the event loop was busy for each of `count` operations, whatever a thread did beside it. */
function busyMicros(name: string, run: (count: number) => Promise<void>): BenchCase {
  let activeMs = 0;
  return {
    name,
    unit: 'µs of the event loop',
    bytes: CHUNK_BYTES,
    work: async (count) => {
      const before = performance.eventLoopUtilization();
      await run(count);
      activeMs = performance.eventLoopUtilization(before).active;
    },
    measure: (count) => (activeMs * MICROS_PER_MS) / count,
  };
}

/** Hashing a chunk where it is, and having a thread do it: what the event loop pays for either. */
export function handingOver(): { readonly cases: readonly BenchCase[]; dispose(): Promise<void> } {
  const worker = new Worker(new URL('hash-thread.ts', import.meta.url));
  const block = new Uint8Array(CHUNK_BYTES).fill(7);
  const here = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i += 1) hashBytes(block);
    // The utilization of a loop is known once it has turned.
    await new Promise((resolve) => setImmediate(resolve));
  };
  const inThread = async (count: number): Promise<void> => {
    let sent = 0;
    for (let done = 0; done < count; done += 1) {
      for (; sent < count && sent - done < WINDOW; sent += 1) worker.postMessage(block);
      await once(worker, 'message');
    }
  };
  return {
    cases: [busyMicros('hashed here, 64 KiB', here), busyMicros('hashed by a thread, 64 KiB', inThread)],
    dispose: async () => void (await worker.terminate()),
  };
}
