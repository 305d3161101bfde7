// A node the mesh lets in and ought not to: it gossips whatever it is given, and answers no comparison of tables.
import { setTimeout as delay } from 'node:timers/promises';
import type { NodeKey } from '@macronode/keys';
import { type ClaimKind, MESH_LIMITS, meshCounters } from '@macronode/mesh';
import { MetricsRegistry } from '@macronode/metrics';
import { ConnectionCounts } from '../../packages/mesh/src/network/connection-counts.ts';
import { createNode, type NetworkNode, type Router } from '../../packages/mesh/src/network/libp2p-node.ts';
import { peerAddress } from '../../packages/mesh/src/network/peer-address.ts';
import { topicOf } from '../../packages/mesh/src/network/topics.ts';
import { trustGater } from '../../packages/mesh/src/network/trust-gater.ts';
import { poll } from '../poll.ts';

const MESHED_TIMEOUT_MS = 20_000;
/** Whoever is thrown out comes back so soon. */
const REDIAL_MS = 1_000;
const EVERYBODY = { has: () => true, nameOf: () => undefined, size: 1 };

export class HostilePeer implements AsyncDisposable {
  readonly #node: NetworkNode;
  readonly #kind: ClaimKind;
  readonly #addresses: readonly string[];
  readonly #over = new AbortController();
  #redialling: Promise<void> = Promise.resolve();

  private constructor(node: NetworkNode, kind: ClaimKind, addresses: readonly string[]) {
    this.#node = node;
    this.#kind = kind;
    this.#addresses = addresses;
  }

  /** Connects to these nodes, waits until it is in the mesh of all of them for this kind of claim, and comes back when it is cut. */
  static async join(key: NodeKey, addresses: readonly string[], kind: ClaimKind): Promise<HostilePeer> {
    const node = await start(key);
    const peer = new HostilePeer(node, kind, addresses);
    try {
      node.services.gossip.subscribe(topicOf(kind));
      for (const address of addresses) await node.dial(peerAddress(address));
      await poll('the hostile peer to be in the mesh', MESHED_TIMEOUT_MS, () => peer.#meshed >= addresses.length);
      peer.#redialling = peer.#redial();
      return peer;
    } catch (error) {
      await node.stop();
      throw error;
    }
  }

  /** Hands bytes to the mesh, whatever they are. */
  async send(bytes: Uint8Array): Promise<void> {
    await this.#node.services.gossip.publish(topicOf(this.#kind), bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#redialling;
    await this.#node.stop();
  }

  get #meshed(): number {
    return (this.#node.services.gossip as Router).mesh.get(topicOf(this.#kind))?.size ?? 0;
  }

  async #redial(): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted) {
      await delay(REDIAL_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted || this.#node.getPeers().length >= this.#addresses.length) continue;
      for (const address of this.#addresses)
        await this.#node.dial(peerAddress(address), { signal }).catch(() => undefined);
    }
  }
}

/** Whether a node lets this key in at all: it is dialled once, and the connection has to live for a moment. */
export async function isLetIn(key: NodeKey, address: string): Promise<boolean> {
  const node = await start(key);
  try {
    const { remotePeer } = await node.dial(peerAddress(address));
    await delay(REDIAL_MS);
    return node.getConnections(remotePeer).length > 0;
  } catch {
    return false;
  } finally {
    await node.stop();
  }
}

async function start(key: NodeKey): Promise<NetworkNode> {
  const counters = new MetricsRegistry().scope({}).bind(meshCounters);
  const node = await createNode({
    seed: key.seed(),
    listen: undefined,
    gater: trustGater(EVERYBODY),
    limits: MESH_LIMITS,
    agent: 'macronode-rig',
    metrics: new ConnectionCounts(counters).inboundFailures,
    register: undefined,
    penaltyOf: () => 0,
  });
  await node.start();
  return node;
}
