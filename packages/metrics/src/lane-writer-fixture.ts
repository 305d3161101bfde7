// A thread that counts into a lane, and says so when it has.
import { parentPort, workerData } from 'node:worker_threads';
import { laneDeclarations } from './lane-declarations-fixture.ts';
import { bindLane } from './lanes.ts';

const { buffer, lane, count } = workerData as { buffer: SharedArrayBuffer; lane: number; count: number };
const m = bindLane(laneDeclarations, buffer, lane);
const full = m.drops.cell({ reason: 'full' });
for (let i = 0; i < count; i++) {
  m.hits.inc();
  full.inc();
}
m.peers.set(lane + 1);
for (const seconds of [0.5, 1.5, 3]) m.waits.observe(seconds, { kind: 'read' });
m.hits.inc(-1);
m.hits.collect(() => 7);
parentPort?.postMessage('counted');
