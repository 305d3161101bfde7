import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { MESH_LIMITS } from '../mesh-limits.ts';
import { A_CLAIM, comesTrue, keysFor, NamedNodes, OwnTime, TestNode } from './mesh-fixture.ts';

/**
 * Envelopes of one source a second that are taken. The bounds are a tenth of the default: all nodes share one thread here. Nodes with
 * the default, each in a process of its own, are flooded by the chaos scenario `mesh_claim_flood`.
 */
const CAP = MESH_LIMITS.sourceEnvelopesPerSecond / 10;
const HONEST = 3;

describe('a flood of a trusted node', () => {
  const nodes: TestNode[] = [];
  let flooder: Worker | undefined;
  afterEach(async () => {
    await flooder?.terminate();
    await Promise.all(nodes.splice(0).map((node) => node.mesh.stop()));
  });

  const dropsOf = ({ counters }: TestNode): number =>
    counters.claimsDropped.cell({ reason: 'rate' }).value() +
    counters.claimsDropped.cell({ reason: 'connection_rate' }).value();

  it('as fast as it can send does not delay honest claims beyond 5 s', async () => {
    const began = performance.now();
    const keys = keysFor(HONEST + 1);
    const trust = new NamedNodes(keys);
    const limits = {
      sourceEnvelopesPerSecond: CAP,
      sourceBurst: MESH_LIMITS.sourceBurst / 10,
      connectionEnvelopesPerSecond: MESH_LIMITS.connectionEnvelopesPerSecond / 10,
      connectionBurst: MESH_LIMITS.connectionBurst / 10,
    };
    for (const key of keys.slice(1)) {
      nodes.push(await TestNode.start({ key, trust, limits, peers: nodes.map(({ address }) => address) }));
    }
    await comesTrue('meshed', 30_000, () => nodes.every((node) => node.seen('meshed') === HONEST - 1));
    flooder = new Worker(new URL('./flood-child-fixture.ts', import.meta.url), {
      workerData: { seed: keys[0]!.seed(), peers: nodes.map(({ address }) => address) },
    });
    await once(flooder, 'message');
    await comesTrue('the flooder is in', 30_000, () => nodes.every((node) => node.seen('meshed') === HONEST));

    const flooding = new OwnTime();
    flooder.postMessage('start');
    await comesTrue('the flood', 30_000, () => nodes.every((node) => dropsOf(node) > 0));
    const delays: number[] = [];
    for (let i = 0; i < 5; i += 1) {
      const subject = `192.0.2.${i}`;
      nodes[i % HONEST]!.mesh.publish({ ...A_CLAIM, subject });
      delays.push(await comesTrue('an honest claim', 60_000, () => nodes.every((node) => node.knows(subject))));
    }
    const told = once(flooder, 'message') as Promise<[{ perPeer: number }]>;
    flooder.postMessage('stop');
    const [{ perPeer }] = await told;
    flooding.stop();
    const rate = perPeer / (flooding.ms / 1_000);
    console.log(`flood: ${Math.round(rate)} claims/s to each, ${CAP} taken; honest ones after ${delays.join(', ')} ms`);
    expect(Math.max(...delays)).toBeLessThanOrEqual(5_000);
    expect(rate).toBeGreaterThanOrEqual(CAP * 10);
    const seconds = (performance.now() - began) / 1_000;
    for (const { mesh } of nodes)
      expect(mesh.table.size).toBeLessThanOrEqual(delays.length + limits.sourceBurst + CAP * seconds);
  }, 120_000);
});
