// A node the mesh lets in and ought not to: it gossips whatever it is given, and answers no comparison of tables.
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
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
/** Messages of one RPC of a flood: what one costs to send and to receive is shared by so many. */
const RPC_MESSAGES = 50;
/** Between two looks for a peer that has room again, or is back. */
const FULL_PAUSE_MS = 5;
const EVERYBODY = { has: () => true, nameOf: () => undefined, size: 1 };

/** What a flood uses of gossipsub's router: its own streams and its own encoding. */
interface Sender {
  readonly streamsOutbound: ReadonlyMap<string, { readonly rawStream: { readonly writableNeedsDrain: boolean } }>;
  sendRpc(peer: string, rpc: { readonly subscriptions: []; readonly messages: readonly Message[] }): boolean;
}

interface Message {
  readonly topic: string;
  readonly data: Uint8Array;
}

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

  /**
   * Sends these bytes round and round to all of its peers, many in one RPC, as fast as any of them reads, until it is told to stop. Who has
   * no room for an RPC misses it. Answers how many went to the peer that got least.
   */
  async flood(envelopes: readonly Uint8Array[], until: AbortSignal): Promise<number> {
    const router = this.#node.services.gossip as unknown as Sender;
    const topic = topicOf(this.#kind);
    const sent = new Map(this.#node.getPeers().map((peer) => [String(peer), 0]));
    for (let at = 0; !until.aborted; at = (at + RPC_MESSAGES) % envelopes.length) {
      const messages = envelopes.slice(at, at + RPC_MESSAGES).map((data) => ({ topic, data }));
      const streams = [...sent.keys()].map((peer) => [peer, router.streamsOutbound.get(peer)?.rawStream] as const);
      const free = streams.filter(([, stream]) => stream?.writableNeedsDrain === false);
      for (const [peer] of free)
        if (router.sendRpc(peer, { subscriptions: [], messages }))
          sent.set(peer, (sent.get(peer) ?? 0) + messages.length);
      // Sockets are to be read meanwhile.
      if (free.length > 0) await nextTurn();
      else await delay(FULL_PAUSE_MS);
    }
    return Math.min(...sent.values());
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
