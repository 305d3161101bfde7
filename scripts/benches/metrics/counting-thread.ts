// One of two threads that count at once.
import { parentPort, workerData } from 'node:worker_threads';
import { bindLane } from '@macronode/metrics';
import { declared } from './declared.ts';
import type { ThreadTask } from './two-threads.ts';

const WARM_UP = 200_000;
const NANOS_PER_MS = 1e6;

const { way, buffer, lane, operations, gate } = workerData as ThreadTask;
const opened = new Int32Array(gate);

function counterOf(): () => void {
  if (way === 'lanes') {
    const { hits } = bindLane(declared, buffer, lane);
    return () => hits.inc();
  }
  const cell = new BigInt64Array(buffer);
  return () => void Atomics.add(cell, 0, 1n);
}

function repeat(once: () => void, times: number): number {
  const from = performance.now();
  for (let n = 0; n < times; n += 1) once();
  return ((performance.now() - from) * NANOS_PER_MS) / times;
}

const count = counterOf();
repeat(count, WARM_UP);
parentPort?.postMessage('ready');
while (Atomics.load(opened, 0) === 0) Atomics.wait(opened, 0, 0);
parentPort?.postMessage(repeat(count, operations - WARM_UP));
