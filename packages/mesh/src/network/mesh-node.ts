import { type Message, TopicValidatorResult } from '@libp2p/gossipsub';
import type { Connection, PeerId } from '@libp2p/interface';
import type { NodeKey } from '@macronode/keys';
import type { Multiaddr } from '@multiformats/multiaddr';
import type { Claim, ClaimKind, Envelope } from '../claims/claim.ts';
import { ClaimGates, type Received } from '../claims/claim-gates.ts';
import { ClaimSource } from '../claims/claim-source.ts';
import { type ClaimQuery, ClaimTable } from '../claims/claim-table.ts';
import type { TokenBucket } from '../claims/token-bucket.ts';
import type { Trust } from '../identity/trust-list.ts';
import type { ClaimReport, PeerReport } from '../mesh.ts';
import type { MeshLimits } from '../mesh-limits.ts';
import type { PeerSample } from '../mesh-thread-protocol.ts';
import { CLIENTS_MAX, type MeshCounters } from '../metrics.ts';
import { AntiEntropy, type SyncRound } from './anti-entropy.ts';
import { ConnectionBuckets } from './connection-buckets.ts';
import { ConnectionCounts, type Disconnection } from './connection-counts.ts';
import { Dialler } from './dialler.ts';
import { ExcessPenalty } from './excess-penalty.ts';
import type { GossipsubRegister } from './gossipsub-register.ts';
import { createNode, type NetworkNode, type Router } from './libp2p-node.ts';
import { peerAddress } from './peer-address.ts';
import { PeerCensus } from './peer-census.ts';
import { nodeIdOf } from './peer-identity.ts';
import { SilentPeers } from './silent-peers.ts';
import { TOPICS, topicOf } from './topics.ts';
import { trustGater } from './trust-gater.ts';

/** Ms between two counts of the peers, and two looks at what has ended. */
const TICK_MS = 1_000;
/** Ms a connection has to end by itself when the node stops or a peer left the trust list. */
const CLOSE_MS = 1_000;
/** Ms the whole network has to stop: less than `threadStopMs`, so that the audit log is closed after it. */
const STOP_MS = 3_000;

/** What a node tells of what happens to it. All are called in the turn in which it happens, and must not throw. */
export interface MeshNodeHooks {
  sample?(sample: PeerSample): void;
  /** Something failed that is made good later; who operates the node should know. */
  failed?(what: string, error: unknown): void;
  /** An envelope came in from a peer. */
  received?(received: Received): void;
  published?(envelope: Envelope): void;
  round?(round: SyncRound, client: string, peers: number): void;
  joined?(peer: PeerReport): void;
  dropped?(peer: PeerReport, reason: Disconnection): void;
  tick?(): void;
}

/** A trust list that can be told by name whom it has. */
export interface KnownTrust extends Trust {
  nodeIds(): Iterable<string>;
}

export interface MeshNodeOptions {
  readonly key: NodeKey;
  readonly trust: KnownTrust;
  /** Port 0 is one the system chooses; without it nobody can dial this node. */
  readonly listen?: { readonly host: string; readonly port: number } | undefined;
  /** `host:port`, `[ipv6]:port` or multiaddrs. */
  readonly peers: readonly string[];
  readonly limits: MeshLimits;
  readonly counters: MeshCounters;
  readonly register?: GossipsubRegister | undefined;
  readonly agent: string;
  /** In ms since 1970. */
  readonly now?: (() => number) | undefined;
  readonly hooks?: MeshNodeHooks | undefined;
}

/** A node of the mesh: network, gates and table. Runs in the mesh thread; it knows no thread itself. */
export class MeshNode {
  readonly nodeId: string;
  readonly table: ClaimTable;
  readonly #options: MeshNodeOptions;
  readonly #hooks: MeshNodeHooks;
  readonly #now: () => number;
  readonly #source: ClaimSource;
  readonly #gates: ClaimGates;
  readonly #buckets: ConnectionBuckets;
  readonly #syncBuckets: ConnectionBuckets;
  readonly #counts: ConnectionCounts;
  readonly #excess: ExcessPenalty;
  readonly #node: NetworkNode;
  readonly #router: Router;
  readonly #sync: AntiEntropy;
  readonly #dialler: Dialler;
  readonly #census: PeerCensus;
  readonly #silent: SilentPeers;
  /** Node ids of the peers with a connection, by peer id. */
  readonly #nodeIds = new Map<string, string>();
  #ticking: NodeJS.Timeout | undefined;
  #stopping = false;

  private constructor(options: MeshNodeOptions, node: NetworkNode, counts: ConnectionCounts, excess: ExcessPenalty) {
    const { key, limits, counters, hooks = {}, now = Date.now } = options;
    this.nodeId = key.publicKeyHex;
    this.#options = options;
    this.#hooks = hooks;
    this.#now = now;
    this.#node = node;
    this.#router = node.services.gossip as Router;
    this.#counts = counts;
    this.#excess = excess;
    this.table = new ClaimTable({ limits, now });
    this.#source = new ClaimSource(key, now, limits);
    this.#gates = new ClaimGates({
      trust: withSelf(options.trust, this.nodeId),
      table: this.table,
      counters,
      limits,
      now,
    });
    const gossip = { perSecond: limits.connectionEnvelopesPerSecond, burst: limits.connectionBurst };
    this.#buckets = new ConnectionBuckets(gossip, now);
    // Of its own: a sync brings hundreds at once, and must not keep out what is said meanwhile.
    const sync = { perSecond: limits.syncEnvelopesPerSecond, burst: limits.syncBurst };
    this.#syncBuckets = new ConnectionBuckets(sync, now);
    this.#sync = this.#antiEntropy();
    this.#dialler = new Dialler(node, options.peers.map(peerAddress), counters, limits);
    this.#silent = new SilentPeers((connection) => this.#close(connection), limits.silentSeconds);
    this.#census = new PeerCensus({
      meshes: () => this.#router.mesh,
      connected: () => this.#node.getConnections().map(({ remotePeer }) => remotePeer.toString()),
      clientOf: (peer) => this.#clientOf(peer),
      clients: () => this.#clients(),
      counters,
      tell: (sample) => hooks.sample?.(sample),
      failed: (error) => hooks.failed?.('the peers could not be counted', error),
    });
  }

  /** Starts a node. Throws where it cannot listen, or a peer is named in no form it can dial. */
  static async start(options: MeshNodeOptions): Promise<MeshNode> {
    const { key, trust, listen, limits, agent, register, counters } = options;
    options.peers.forEach(peerAddress);
    const counts = new ConnectionCounts(counters);
    const excess = new ExcessPenalty();
    const node = await createNode({
      seed: key.seed(),
      listen,
      gater: trustGater(trust),
      limits,
      agent,
      metrics: counts.inboundFailures,
      register,
      penaltyOf: (peer) => excess.scoreOf(peer),
    });
    const mesh = new MeshNode(options, node, counts, excess);
    try {
      await mesh.#start();
      return mesh;
    } catch (error) {
      await mesh.stop();
      throw error;
    }
  }

  /** Where it listens: multiaddrs with its peer id. */
  get addresses(): readonly Multiaddr[] {
    return this.#node.getMultiaddrs();
  }

  /** Signs, keeps and publishes what this node says. Throws ClaimMalformed for what no node would take. */
  publish(claim: Claim): Envelope {
    return this.#publish(this.#source.sign(claim));
  }

  /** Takes back what this node said. */
  revoke(kind: ClaimKind, subject: string): Envelope {
    return this.#publish(this.#source.revoke(kind, subject));
  }

  peers(): readonly PeerReport[] {
    const meshed = new Set<string>();
    for (const peers of this.#router.mesh.values()) for (const peer of peers) meshed.add(peer);
    // The first connection of each: two nodes that dial each other at once keep two.
    const first = new Map<string, Connection>();
    for (const connection of this.#node.getConnections()) {
      const peer = connection.remotePeer.toString();
      if (!first.has(peer)) first.set(peer, connection);
    }
    return [...first.values()].map((connection) => this.#report(connection, meshed));
  }

  claims(query: ClaimQuery): readonly ClaimReport[] {
    return this.table.find(query).map((envelope) => ({
      kind: envelope.kind,
      subject: envelope.subject,
      source: envelope.source,
      client: this.#options.trust.nameOf(envelope.source) ?? 'unknown',
      score: envelope.score,
      reason: envelope.reason,
      revoked: envelope.revoked,
      madeAtMs: envelope.madeAtMs,
      expiresAtMs: envelope.madeAtMs + envelope.ttlS * 1_000,
    }));
  }

  /** To be called when the trust list has changed: who left it is cut off, and what they said is dropped. */
  async trustChanged(): Promise<void> {
    this.#gates.trustChanged();
    const gone = this.#node.getConnections().filter(({ remotePeer }) => !this.#isTrusted(remotePeer));
    await Promise.all(gone.map((connection) => this.#close(connection)));
    this.#dialler.again();
    this.#census.take();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#ticking);
    this.#dialler.stop();
    await this.#sync.stop();
    this.#node.getConnections().forEach((connection) => this.#counts.closing(connection));
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, STOP_MS);
    await Promise.race([Promise.resolve(this.#node.stop()), late]);
    clearTimeout(timer);
    for (const connection of this.#node.getConnections()) connection.abort(new Error('the mesh stops'));
    this.#census.take();
  }

  async #start(): Promise<void> {
    const { gossip } = this.#node.services;
    const recount = (): void => this.#census.take();
    gossip.addEventListener('subscription-change', recount);
    gossip.addEventListener('gossipsub:graft', recount);
    gossip.addEventListener('gossipsub:prune', recount);
    this.#node.addEventListener('connection:open', ({ detail }) => this.#opened(detail));
    this.#node.addEventListener('peer:disconnect', ({ detail }) => this.#left(detail));
    for (const topic of TOPICS.keys()) {
      gossip.topicValidators.set(topic, (peer, message) => this.#judge(peer, message));
    }
    await this.#node.start();
    await this.#sync.start();
    for (const topic of TOPICS.keys()) gossip.subscribe(topic);
    this.#dialler.start();
    this.#ticking = setInterval(() => this.#tick(), TICK_MS);
  }

  #tick(): void {
    this.#census.take();
    this.table.expire();
    this.#options.register?.collect();
    this.#excess.decay();
    const connected = (peer: string): boolean => this.#router.streamsOutbound.has(peer);
    this.#buckets.forget(connected);
    this.#syncBuckets.forget(connected);
    this.#sync.forget(connected);
    this.#silent.look(this.#node.getConnections(), this.#router.streamsOutbound);
    this.#hooks.tick?.();
  }

  #antiEntropy(): AntiEntropy {
    return new AntiEntropy({
      node: this.#node,
      limits: this.#options.limits,
      counters: this.#options.counters,
      now: this.#now,
      tableFor: ({ remotePeer }) => {
        const peer = remotePeer.toString();
        return {
          digest: () => this.table.digest(),
          differing: (digest) => this.table.differing(digest),
          bucket: (n) => this.table.bucket(n),
          receive: (bytes) => this.#receive(bytes, this.#syncBuckets.of(peer)).outcome,
        };
      },
      onRound: (round) => {
        const peers = this.#node.getPeers().length;
        this.#hooks.round?.(round, this.#clientOf(round.peer), peers);
      },
    });
  }

  /**
   * Forwards what changed the table. Only a false signature is held against who brought it: no node forwards one it has
   * checked. What cannot be read may be of a newer version, what is not trusted, late or too much here may be fine there.
   */
  #judge(peer: PeerId, message: Message): TopicValidatorResult {
    const from = peer.toString();
    const { outcome } = this.#receive(message.data, this.#buckets.of(from));
    if (outcome === 'merged') return TopicValidatorResult.Accept;
    if (outcome === 'connection_rate') {
      this.#excess.add(from);
      this.#sync.hurry(from);
    }
    return outcome === 'signature' ? TopicValidatorResult.Reject : TopicValidatorResult.Ignore;
  }

  #receive(bytes: Uint8Array, bucket: TokenBucket): Received {
    const received = this.#gates.receive(bytes, bucket);
    const { envelope } = received;
    if (envelope?.source === this.nodeId) this.#source.observed(envelope.seq);
    this.#hooks.received?.(received);
    return received;
  }

  #publish(envelope: Envelope): Envelope {
    this.table.merge(envelope);
    this.#hooks.published?.(envelope);
    void this.#send(envelope);
    return envelope;
  }

  async #send({ kind, bytes }: Envelope): Promise<void> {
    try {
      const { recipients } = await this.#node.services.gossip.publish(topicOf(kind), bytes);
      this.#options.counters.gossipBytesOut.inc(bytes.length * recipients.length);
    } catch (error) {
      // What is in the table goes out with the next sync; after the end there is none.
      if (!this.#stopping) this.#hooks.failed?.('a claim was not gossiped', error);
    }
  }

  #opened(connection: Connection): void {
    const { remotePeer } = connection;
    this.#nodeIds.set(remotePeer.toString(), nodeIdOf(remotePeer) ?? '');
    const peer = this.#report(connection, new Set());
    const others = (): boolean => this.#node.getConnections(remotePeer).some((other) => other !== connection);
    if (!others()) this.#hooks.joined?.(peer);
    this.#counts.opened(connection, (reason) => {
      if (!others()) this.#hooks.dropped?.(peer, reason);
    });
    if (this.#isRedundant(connection)) void this.#close(connection);
    else this.#sync.connected(connection);
  }

  /**
   * A second connection, from this side, with a peer that gossips both ways already, so over the first. Only whoever dialled
   * lets go of it: a peer that was started again comes in though the connection with its past self seems to be there.
   */
  #isRedundant({ remotePeer, direction }: Connection): boolean {
    const peer = remotePeer.toString();
    const { streamsInbound, streamsOutbound } = this.#router;
    return direction === 'outbound' && streamsInbound.has(peer) && streamsOutbound.has(peer);
  }

  #left(peer: PeerId): void {
    this.#nodeIds.delete(peer.toString());
    this.#dialler.lost(peer);
    // gossipsub hears of it in the same turn, but after whoever listens first.
    setImmediate(() => this.#census.take());
  }

  async #close(connection: Connection): Promise<void> {
    this.#counts.closing(connection);
    try {
      await connection.close({ signal: AbortSignal.timeout(CLOSE_MS) });
    } catch (error) {
      connection.abort(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #report(connection: Connection, meshed: ReadonlySet<string>): PeerReport {
    const { remotePeer, remoteAddr, direction } = connection;
    const peer = remotePeer.toString();
    return {
      client: this.#clientOf(peer),
      nodeId: this.#nodeIds.get(peer) ?? '',
      address: remoteAddr.toString(),
      direction,
      meshed: meshed.has(peer),
      score: this.#router.getScore(peer),
    };
  }

  #isTrusted(peer: PeerId): boolean {
    const nodeId = nodeIdOf(peer);
    return nodeId !== undefined && this.#options.trust.has(nodeId);
  }

  #clientOf(peer: string): string {
    return this.#options.trust.nameOf(this.#nodeIds.get(peer) ?? '') ?? 'unknown';
  }

  *#clients(): Iterable<string> {
    const { trust } = this.#options;
    let shown = 0;
    for (const nodeId of trust.nodeIds()) {
      const name = trust.nameOf(nodeId);
      if (nodeId === this.nodeId || name === undefined) continue;
      if ((shown += 1) > CLIENTS_MAX) return;
      yield name;
    }
  }
}

/** This node believes itself, whether or not the list has it. */
function withSelf(trust: Trust, self: string): Trust {
  return {
    has: (nodeId) => nodeId === self || trust.has(nodeId),
    nameOf: (nodeId) => trust.nameOf(nodeId),
    get size() {
      return trust.size;
    },
  };
}
