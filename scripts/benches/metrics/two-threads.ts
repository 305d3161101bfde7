import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Lanes } from '@macronode/metrics';
import { type CaseResult } from '../../bench-harness.ts';
import { spread } from '../registry/part.ts';
import { declared } from './declared.ts';

const THREADS = 2;
const OPERATIONS = 5_000_000;

/** How two threads count at once: each in a lane of its own, or both in one cell with Atomics. */
type Way = 'lanes' | 'atomics';

export interface ThreadTask {
  readonly way: Way;
  readonly buffer: SharedArrayBuffer;
  readonly lane: number;
  readonly operations: number;
  /** 0 until all threads are to begin. */
  readonly gate: SharedArrayBuffer;
}

interface Ran {
  readonly nanos: number;
  readonly counted: number;
}

/** One run of both threads: ns per operation as each of them sees it. */
async function run(way: Way): Promise<Ran> {
  const lanes = Lanes.create(declared, THREADS);
  const buffer = way === 'lanes' ? lanes.buffer : new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT);
  const gate = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const workers = Array.from({ length: THREADS }, (_, lane) => {
    const workerData: ThreadTask = { way, buffer, lane, operations: OPERATIONS, gate };
    return new Worker(new URL('counting-thread.ts', import.meta.url), { workerData });
  });
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  const ends = workers.map(async (worker) => {
    const [nanos] = (await once(worker, 'message')) as [number];
    return nanos;
  });
  Atomics.store(new Int32Array(gate), 0, 1);
  Atomics.notify(new Int32Array(gate), 0);
  const nanos = await Promise.all(ends);
  await Promise.all(workers.map((worker) => worker.terminate()));
  const inLanes = Array.from({ length: THREADS }, (_, lane) => lanes.bind(lane).hits.value());
  const counted =
    way === 'lanes' ? inLanes.reduce((sum, each) => sum + each, 0) : Number(new BigInt64Array(buffer)[0] ?? 0n);
  return { nanos: nanos.reduce((sum, each) => sum + each, 0) / THREADS, counted };
}

/** Two threads that count the same thing at once. Throws when a count is lost. */
export async function twoThreads(way: Way, runs: number): Promise<CaseResult> {
  const nanos: number[] = [];
  for (let at = 0; at < runs; at += 1) {
    const ran = await run(way);
    if (ran.counted !== THREADS * OPERATIONS) throw new Error(`${way}: ${ran.counted} of ${THREADS * OPERATIONS}`);
    nanos.push(ran.nanos);
  }
  return spread(`two_threads_${way}`, 'ns', nanos);
}
