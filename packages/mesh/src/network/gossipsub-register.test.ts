import { NodeKey } from '@macronode/keys';
import { Lanes, MetricsRegistry } from '@macronode/metrics';
import { describe, expect, it } from 'vitest';
import { GOSSIPSUB_LEFT_OUT, gossipsubMetrics } from '../gossipsub-metrics.ts';
import { MESH_LIMITS } from '../mesh-limits.ts';
import { meshCounters } from '../metrics.ts';
import { ConnectionCounts } from './connection-counts.ts';
import { GossipsubRegister } from './gossipsub-register.ts';
import { createNode } from './libp2p-node.ts';
import { A_CLAIM, comesTrue, keysFor, LOOPBACK, NamedNodes } from './mesh-fixture.ts';
import { MeshNode } from './mesh-node.ts';

interface Registered {
  readonly name: string;
  readonly kind: 'gauge' | 'histogram' | 'avgMinMax';
  readonly labelNames?: readonly string[];
  readonly buckets?: readonly number[];
}

/** What the installed gossipsub registers, asked of itself. */
async function registered(): Promise<readonly Registered[]> {
  const all: Registered[] = [];
  const real = new GossipsubRegister(Lanes.create(gossipsubMetrics, 1).bind(0));
  const recording = (kind: Registered['kind']) => (config: Omit<Registered, 'kind'>) => {
    all.push({ ...config, kind });
    return (real.register[kind] as (config: unknown) => unknown)(config);
  };
  const register = { gauge: recording('gauge'), histogram: recording('histogram'), avgMinMax: recording('avgMinMax') };
  await createNode({
    seed: NodeKey.ephemeral().seed(),
    listen: undefined,
    gater: {},
    limits: MESH_LIMITS,
    agent: 'test/1',
    metrics: new ConnectionCounts(new MetricsRegistry().scope({}).bind(meshCounters)).inboundFailures,
    register: { register, topicLabels: real.topicLabels } as unknown as GossipsubRegister,
    penaltyOf: () => 0,
  });
  return all;
}

describe("gossipsub's own metrics", () => {
  it('are all declared or left out with a reason, and none is declared that is not there', async () => {
    const all = await registered();
    const shown = all.filter(({ name }) => !Object.hasOwn(GOSSIPSUB_LEFT_OUT, name));
    const names = shown.flatMap(({ name, kind }) =>
      kind === 'avgMinMax' ? ['avg', 'min', 'max'].map((part) => `${name}_${part}`) : [name],
    );
    expect(names.sort()).toEqual(Object.keys(gossipsubMetrics).sort());
    const known = new Set(all.map(({ name }) => name));
    expect(Object.keys(GOSSIPSUB_LEFT_OUT).filter((name) => !known.has(name))).toEqual([]);
  });

  it('are declared with the labels, buckets and kinds gossipsub has', async () => {
    for (const { name, kind, labelNames = [], buckets } of await registered()) {
      if (Object.hasOwn(GOSSIPSUB_LEFT_OUT, name)) continue;
      const declaration = gossipsubMetrics[kind === 'avgMinMax' ? `${name}_avg` : name]!;
      const labels = labelNames.map((label) => (label === 'topicStr' ? 'topic' : label));
      expect([name, Object.keys(declaration.labels)]).toEqual([name, labels]);
      if (declaration.type === 'histogram') expect([name, declaration.buckets]).toEqual([name, buckets]);
      const counts = name.endsWith('_total');
      expect([name, declaration.type]).toEqual([name, kind === 'histogram' ? kind : counts ? 'counter' : 'gauge']);
    }
  });

  it('are counted by a mesh under labels that were known before, and are 0 once it stops', async () => {
    const keys = keysFor(2);
    const trust = new NamedNodes(keys);
    const registry = new MetricsRegistry();
    const lanes = Lanes.create(gossipsubMetrics, 2);
    registry.scope({}).mount(lanes);
    const counters = registry.scope({}).bind(meshCounters);
    const nodes: MeshNode[] = [];
    const registers: GossipsubRegister[] = [];
    for (const [at, key] of keys.entries()) {
      const register = new GossipsubRegister(lanes.bind(at));
      registers.push(register);
      const peers = nodes.map(({ addresses }) => String(addresses[0]));
      nodes.push(
        await MeshNode.start({
          key,
          trust,
          listen: LOOPBACK,
          peers,
          limits: MESH_LIMITS,
          counters,
          register,
          agent: 'test/1',
        }),
      );
    }
    const [a, b] = [nodes[0]!, nodes[1]!];
    await comesTrue('meshed', 30_000, () => a.peers()[0]?.meshed === true && b.peers()[0]?.meshed === true);
    a.publish(A_CLAIM);
    await comesTrue('the claim', 30_000, () => b.table.size === 1);
    registers.forEach((register) => register.collect());
    const lines = (await registry.render()).split('\n');
    const value = (series: string): number =>
      Number(lines.find((line) => line.startsWith(`${series} `))?.split(' ')[1]);
    expect(value('gossipsub_msg_publish_count_total{topic="waf_reputation"}')).toBe(1);
    expect(value('gossipsub_pre_validation_valid_total{topic="waf_reputation"}')).toBe(1);
    expect(value('gossipsub_mesh_peer_count{topic="identity_revoked"}')).toBe(2);
    expect(value('gossipsub_peers_per_protocol_count{protocol="/meshsub/1.2.0"}')).toBe(2);
    expect(value('metrics_misuses_total')).toBe(0);
    expect(lines.filter((line) => line.includes('="other"') && !line.endsWith(' 0'))).toEqual([]);

    await Promise.all(nodes.map((node) => node.stop()));
    registers.forEach((register) => register.clear());
    const after = (await registry.render()).split('\n');
    expect(after).toContain('gossipsub_mesh_peer_count{topic="identity_revoked"} 0');
    expect(after).toContain('gossipsub_msg_publish_count_total{topic="waf_reputation"} 1');
  }, 120_000);
});
