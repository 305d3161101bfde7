import { NodeKey } from '@macronode/keys';
import { MetricsRegistry } from '@macronode/metrics';
import { setTimeout as delay } from 'node:timers/promises';
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
  readonly joined: string[] = [];
  readonly dropped: string[] = [];
  readonly failures: string[] = [];
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
        joined: ({ nodeId }) => node.joined.push(nodeId),
        dropped: (_peer, reason) => node.dropped.push(reason),
        failed: (what) => node.failures.push(what),
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

/** Ms between two looks at a condition, and at the clocks. */
const LOOK_MS = 5;

/**
 * Time, less what the machine kept from this process: of each short while at most the CPU time it got and the wait it asked
 * for. Waiting for a timer counts in full, however little it costs; how busy others are does not: it says nothing of the mesh.
 */
export class OwnTime {
  readonly #ticking = setInterval(() => this.#look(), LOOK_MS);
  #wall = performance.now();
  #cpu = process.cpuUsage();
  #ms = 0;

  /** Up to the last look (ms). */
  get ms(): number {
    return Math.round(this.#ms);
  }

  /** Looks for the last time. */
  stop(): void {
    clearInterval(this.#ticking);
    this.#look();
  }

  #look(): void {
    const { user, system } = process.cpuUsage(this.#cpu);
    const now = performance.now();
    this.#ms += Math.min(now - this.#wall, (user + system) / 1_000 + 2 * LOOK_MS);
    this.#wall = now;
    this.#cpu = process.cpuUsage();
  }
}

/** Holds that `probe` comes true within `timeoutMs`; answers how many ms of {@link OwnTime} it took. */
export async function comesTrue(what: string, timeoutMs: number, probe: () => boolean): Promise<number> {
  const time = new OwnTime();
  try {
    // Not expect.poll, which leaves the timer of its deadline behind: some tests count timers.
    for (const deadline = performance.now() + timeoutMs; !probe(); await delay(LOOK_MS)) {
      if (performance.now() > deadline) throw new Error(`${what}: not there after ${timeoutMs} ms`);
    }
  } finally {
    time.stop();
  }
  return time.ms;
}
