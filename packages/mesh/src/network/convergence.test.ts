import type { NodeKey } from '@macronode/keys';
import { afterEach, describe, expect, it } from 'vitest';
import type { MeshLimits } from '../mesh-limits.ts';
import { A_CLAIM, comesTrue, keysFor, NamedNodes, TestNode } from './mesh-fixture.ts';

const NODES = 16;
/** Peers each node dials: enough that no single one cuts the mesh. */
const DIALS = 3;

describe('sixteen nodes over TCP', () => {
  const nodes: TestNode[] = [];
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node.mesh.stop()));
  });

  /** Each dials the ones before it, as a ring with chords grows. */
  async function grow(
    keys: readonly NodeKey[],
    trustOf: (at: number) => NamedNodes,
    limits: Partial<MeshLimits> = {},
  ): Promise<void> {
    for (const [at, key] of keys.entries()) {
      const dials = [1, 2, 5].slice(0, DIALS).flatMap((back) => nodes[at - back] ?? []);
      const peers = dials.map(({ address }) => address);
      nodes.push(await TestNode.start({ key, trust: trustOf(at), peers, limits }));
    }
    await comesTrue('everybody in a mesh', 30_000, () => nodes.every((node) => node.seen('meshed') >= 2));
  }

  const everybodyKnows = (subject: string, among = nodes): boolean => among.every((node) => node.knows(subject));

  it('all know within two seconds what one says', async () => {
    const keys = keysFor(NODES);
    const trust = new NamedNodes(keys);
    await grow(keys, () => trust);
    const times: number[] = [];
    for (const [i, node] of [nodes[0]!, nodes[7]!, nodes[15]!].entries()) {
      const subject = `192.0.2.${i}`;
      node.mesh.publish({ ...A_CLAIM, subject });
      times.push(await comesTrue('the claim on all', 30_000, () => everybodyKnows(subject)));
    }
    console.log(`16 nodes: a claim of one was on all after ${times.join(', ')} ms`);
    expect(Math.max(...times)).toBeLessThanOrEqual(2_000);
    nodes[3]!.mesh.publish({ ...A_CLAIM, subject: '192.0.2.99' });
    await comesTrue('a second source', 30_000, () => everybodyKnows('192.0.2.99'));
    nodes[3]!.mesh.revoke(A_CLAIM.kind, '192.0.2.99');
    const revoked = ({ mesh }: TestNode): boolean =>
      mesh.claims({ subject: '192.0.2.99', limit: 1 })[0]?.revoked === true;
    await comesTrue('the tombstone on all', 30_000, () => nodes.every(revoked));
    expect(nodes.every(({ mesh }) => mesh.peers().every(({ score }) => score >= 0))).toBe(true);
  }, 120_000);

  it('a partition heals: what each side said while apart reaches the other, with its source and end', async () => {
    const keys = keysFor(NODES);
    const half = NODES / 2;
    const everybody = new NamedNodes(keys);
    const trusts = keys.map(() => new NamedNodes(keys));
    // What was said is fetched, round by round: shorter ones heal it as the default ones do, sooner.
    await grow(keys, (at) => trusts[at]!, { syncIntervalMs: 1_000 });
    const [left, right] = [nodes.slice(0, half), nodes.slice(half)];

    for (const [at, trust] of trusts.entries()) {
      for (const [i, key] of keys.entries()) if (i < half !== at < half) trust.names.delete(key.publicKeyHex);
    }
    await Promise.all(nodes.map(({ mesh }) => mesh.trustChanged()));
    await comesTrue('apart', 30_000, () =>
      nodes.every(({ mesh }, at) => mesh.peers().every(({ nodeId }) => trusts[at]!.has(nodeId))),
    );
    const said = left[0]!.mesh.publish({ ...A_CLAIM, subject: '198.51.100.1' });
    right[0]!.mesh.publish({ ...A_CLAIM, subject: '198.51.100.2' });
    await comesTrue(
      'each side knows its own',
      30_000,
      () => everybodyKnows('198.51.100.1', left) && everybodyKnows('198.51.100.2', right),
    );
    expect(right.some((node) => node.knows('198.51.100.1')) || left.some((node) => node.knows('198.51.100.2'))).toBe(
      false,
    );

    for (const trust of trusts) for (const [nodeId, name] of everybody.names) trust.names.set(nodeId, name);
    await Promise.all(nodes.map(({ mesh }) => mesh.trustChanged()));
    const healed = await comesTrue(
      'healed',
      30_000,
      () => everybodyKnows('198.51.100.1') && everybodyKnows('198.51.100.2'),
    );
    console.log(`16 nodes: a partition healed ${healed} ms after it ended`);
    for (const { mesh } of right) {
      expect(mesh.table.find({ subject: '198.51.100.1', limit: 1 })[0]?.bytes).toEqual(said.bytes);
    }
  }, 120_000);
});
