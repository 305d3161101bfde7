import { createHash } from 'node:crypto';
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import { gossipsub, StrictNoSign, type GossipSub } from '@libp2p/gossipsub';
import { type Identify, identify } from '@libp2p/identify';
import type { ConnectionGater, Libp2p, Metrics } from '@libp2p/interface';
import { noise } from '@libp2p/noise';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { createLibp2p } from 'libp2p';
import type { MeshLimits } from '../mesh-limits.ts';
import type { GossipsubRegister } from './gossipsub-register.ts';
import { tcpAddress } from './peer-address.ts';
import { TOPICS } from './topics.ts';

/** Messages of one RPC, and ids of messages in one: what gossip asks for at a time. */
const RPC_PARTS = 5_000;
/** Parts of an RPC that there is one of per topic. */
const RPC_CONTROLS = 64;
/** What a message takes in an RPC beside its envelope, in bytes. */
const MESSAGE_OVERHEAD = 128;
/** Bytes a peer may hold in subscriptions: there are four topics. */
const SUBSCRIPTION_BYTES = 65_536;
/** A message that proves false costs its bearer this; no node that checks what it forwards ever pays it. */
const INVALID_WEIGHT = -20;
/** What is left of that after a second: forgotten within half a minute. */
const INVALID_DECAY = 0.9;

/** gossipsub as the class it is: its type leaves out what it is asked here. */
export interface Router extends GossipSub {
  readonly mesh: ReadonlyMap<string, ReadonlySet<string>>;
  readonly streamsInbound: ReadonlyMap<string, unknown>;
  readonly streamsOutbound: ReadonlyMap<string, unknown>;
  getScore(peer: string): number;
}

export interface NetworkOptions {
  /** The 32 secret bytes of the node's key: its identity here too. */
  readonly seed: Uint8Array;
  readonly listen: { readonly host: string; readonly port: number } | undefined;
  readonly gater: ConnectionGater;
  readonly limits: MeshLimits;
  /** What the node says it is, to its peers. */
  readonly agent: string;
  readonly metrics: Metrics;
  readonly register: GossipsubRegister | undefined;
  /** What is held against a peer, 0 or below. */
  readonly penaltyOf: (peer: string) => number;
}

export type NetworkNode = Libp2p<{ gossip: GossipSub; identify: Identify }>;

/** A node on TCP, Noise and yamux with gossipsub, not started yet. */
export async function createNode(options: NetworkOptions): Promise<NetworkNode> {
  const { seed, listen, gater, limits, agent, metrics } = options;
  return createLibp2p({
    start: false,
    privateKey: await generateKeyPairFromSeed('Ed25519', seed),
    nodeInfo: { userAgent: agent },
    addresses: { listen: listen === undefined ? [] : [tcpAddress(listen.host, listen.port).toString()] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [
      yamux({
        maxInboundStreams: 64,
        maxOutboundStreams: 64,
        // Else it doubles up to 16 MiB while the thread is busy, and a flood fills it before anybody else is read.
        streamOptions: { maxStreamWindowSize: limits.streamWindowBytes },
      }),
    ],
    connectionGater: gater,
    connectionManager: {
      maxConnections: limits.peers,
      inboundConnectionThreshold: limits.inboundPerSecond,
      maxIncomingPendingConnections: limits.inboundPending,
      inboundUpgradeTimeout: limits.handshakeMs,
      reconnectRetries: 0,
    },
    connectionMonitor: {
      pingInterval: limits.pingMs,
      pingTimeout: { minTimeout: limits.pingMs, maxTimeout: limits.pingMs },
    },
    services: { identify: identify(), gossip: gossipsub(gossipOptions(options)) },
    metrics: () => metrics,
  });
}

/** What differs from gossipsub's defaults. */
function gossipOptions({ limits, register, penaltyOf }: NetworkOptions): Parameters<typeof gossipsub>[0] {
  const topics = [...TOPICS.keys()];
  return {
    // An envelope is signed by its source already, and says nothing of who relays it.
    globalSignaturePolicy: StrictNoSign,
    msgIdFn: ({ data }) => createHash('sha256').update(data).digest(),
    fallbackToFloodsub: false,
    floodPublish: false,
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    emitSelf: false,
    doPX: false,
    allowedTopics: topics,
    maxTopicBytesPerPeer: SUBSCRIPTION_BYTES,
    maxInboundStreams: 2,
    maxOutboundStreams: 2,
    maxInboundDataLength: RPC_PARTS * (limits.envelopeBytes + MESSAGE_OVERHEAD),
    maxOutboundBufferSize: limits.outboundBytes,
    decodeRpcLimits: {
      maxSubscriptions: RPC_CONTROLS,
      maxMessages: RPC_PARTS,
      maxIhaveMessageIDs: RPC_PARTS,
      maxIwantMessageIDs: RPC_PARTS,
      maxIdontwantMessageIDs: RPC_CONTROLS,
      maxControlMessages: RPC_CONTROLS,
      maxPeerInfos: 0,
    },
    scoreParams: {
      // Nodes of one cluster share an address, behind NAT or on one machine.
      IPColocationFactorWeight: 0,
      appSpecificScore: penaltyOf,
      appSpecificWeight: 1,
      topics: Object.fromEntries(topics.map((topic) => [topic, INVALID_ONLY])),
    },
    ...(register && { metricsRegister: register.register, metricsTopicStrToLabel: register.topicLabels }),
  };
}

/** Claims are rare and bursty: how much a peer brings says nothing of it, what it brings that is false does. */
const INVALID_ONLY = Object.freeze({
  topicWeight: 1,
  timeInMeshWeight: 0,
  timeInMeshQuantum: 1_000,
  timeInMeshCap: 1,
  firstMessageDeliveriesWeight: 0,
  firstMessageDeliveriesDecay: 0.5,
  firstMessageDeliveriesCap: 1,
  meshMessageDeliveriesWeight: 0,
  meshMessageDeliveriesDecay: 0.5,
  meshMessageDeliveriesCap: 1,
  meshMessageDeliveriesThreshold: 1,
  meshMessageDeliveriesWindow: 1_000,
  meshMessageDeliveriesActivation: 1_000,
  meshFailurePenaltyWeight: 0,
  meshFailurePenaltyDecay: 0.5,
  invalidMessageDeliveriesWeight: INVALID_WEIGHT,
  invalidMessageDeliveriesDecay: INVALID_DECAY,
});
