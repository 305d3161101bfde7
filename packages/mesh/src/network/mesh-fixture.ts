import { NodeKey } from '@macronode/keys';
import { MetricsRegistry } from '@macronode/metrics';
import { expect } from 'vitest';
import type { Claim } from '../claims/claim.ts';
import type { PeerSample } from '../mesh-thread-protocol.ts';
import { MESH_LIMITS, type MeshLimits } from '../mesh-limits.ts';
import { type MeshCounters, meshCounters } from '../metrics.ts';
import type { SyncRound } from './anti-entropy.ts';
import { type KnownTrust, MeshNode } from './mesh-node.ts';

export const LOOPBACK = { host: '127.0.0.1', port: 0 } as const;

export const A_CLAIM: Claim = {
  kind: 'waf_reputation',
  subject: '192.0.2.7',
  score: 0.5,
  reason: 'quota_storm',
  ttlS: 600,
};

/** Nodes by name, a list that can change. */
export class NamedNodes implements KnownTrust {
  readonly names = new Map<string, string>();

  constructor(keys: readonly NodeKey[]) {
    keys.forEach((key, i) => this.names.set(key.publicKeyHex, `node_${i}`));
  }

  get size(): number {
    return this.names.size;
  }

  has(nodeId: string): boolean {
    return this.names.has(nodeId);
  }

  nameOf(nodeId: string): string | undefined {
    return this.names.get(nodeId);
  }

  nodeIds(): Iterable<string> {
    return this.names.keys();
  }
}

export const keysFor = (nodes: number): readonly NodeKey[] => Array.from({ length: nodes }, () => NodeKey.ephemeral());

export interface NodeSettings {
  readonly key?: NodeKey;
  readonly trust?: KnownTrust;
  readonly peers?: readonly string[];
  readonly limits?: Partial<MeshLimits>;
  readonly listen?: { readonly host: string; readonly port: number };
}

/** A node in this thread, with what it told. */
export class TestNode {
  readonly registry = new MetricsRegistry();
  readonly counters: MeshCounters = this.registry.scope({}).bind(meshCounters);
  readonly samples: PeerSample[] = [];
  readonly rounds: SyncRound[] = [];
  readonly dropped: string[] = [];
  #node: MeshNode | undefined;

  static async start(settings: NodeSettings = {}): Promise<TestNode> {
    const node = new TestNode();
    const { key = NodeKey.ephemeral(), peers = [], limits, listen = LOOPBACK } = settings;
    node.#node = await MeshNode.start({
      key,
      trust: settings.trust ?? new NamedNodes([key]),
      listen,
      peers,
      limits: { ...MESH_LIMITS, ...limits },
      counters: node.counters,
      agent: 'test/1',
      hooks: {
        sample: (sample) => node.samples.push(sample),
        round: (round) => node.rounds.push(round),
        dropped: (_peer, reason) => node.dropped.push(reason),
      },
    });
    return node;
  }

  get mesh(): MeshNode {
    if (this.#node === undefined) throw new Error('not started');
    return this.#node;
  }

  /** Its port on the loopback address. */
  get port(): number {
    return Number(/\/tcp\/(\d+)/.exec(String(this.mesh.addresses[0]))?.[1]);
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Peers of the last count, by kind. */
  seen(kind: 'meshed' | 'connected'): number {
    const counts = this.samples.at(-1)?.[kind] ?? {};
    return Object.values(counts).reduce((sum, count) => sum + count, 0);
  }

  knows(subject: string): boolean {
    return this.mesh.table.find({ subject, limit: 1 }).length > 0;
  }

  async value(name: string): Promise<number> {
    const line = (await this.registry.render()).split('\n').find((each) => each.startsWith(`${name} `));
    return Number(line?.slice(name.length + 1));
  }
}

/** Holds that `probe` comes true within `timeoutMs`; answers how many ms it took. */
export async function comesTrue(what: string, timeoutMs: number, probe: () => boolean): Promise<number> {
  const from = performance.now();
  await expect.poll(probe, { timeout: timeoutMs, interval: 5, message: what }).toBe(true);
  return Math.round(performance.now() - from);
}
