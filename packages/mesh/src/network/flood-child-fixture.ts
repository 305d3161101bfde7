import { NodeKey } from '@macronode/keys';
import { MetricsRegistry } from '@macronode/metrics';
import type { Stream } from '@libp2p/interface';
import { parentPort, workerData } from 'node:worker_threads';
import { ClaimSource } from '../claims/claim-source.ts';
import { MESH_LIMITS } from '../mesh-limits.ts';
import { meshCounters } from '../metrics.ts';
import { ConnectionCounts } from './connection-counts.ts';
import { createNode } from './libp2p-node.ts';
import { A_CLAIM } from './mesh-fixture.ts';
import { peerAddress } from './peer-address.ts';
import { TOPICS, topicOf } from './topics.ts';

/**
 * A trusted node gone wrong. It takes part like any other, and writes to each peer, as fast as that reads, claims of its own
 * about ever other addresses: many in one RPC, on a stream beside gossipsub, which would slow it down.
 */
interface Flood {
  readonly seed: Uint8Array;
  readonly peers: readonly string[];
}

/** Claims in one RPC. */
const BATCH = 50;

const { seed, peers } = workerData as Flood;
const source = new ClaimSource(NodeKey.fromSeed(seed), Date.now);
const node = await createNode({
  seed,
  listen: undefined,
  gater: {},
  limits: MESH_LIMITS,
  agent: 'flood/1',
  metrics: new ConnectionCounts(new MetricsRegistry().scope({}).bind(meshCounters)).inboundFailures,
  register: undefined,
  penaltyOf: () => 0,
});
await node.start();
for (const topic of TOPICS.keys()) node.services.gossip.subscribe(topic);
const connections = await Promise.all(peers.map((peer) => node.dial(peerAddress(peer))));

/** Bytes before their length, as protobuf has them. */
function field(number: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2]), prefixed(bytes)]);
}

function prefixed(bytes: Uint8Array): Buffer {
  const length: number[] = [];
  for (let rest = bytes.length; ; rest >>>= 7) {
    length.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) return Buffer.concat([Buffer.from(length), bytes]);
  }
}

let made = 0;
let sent = 0;
let stopped = false;

function rpc(): Buffer {
  const messages: Buffer[] = [];
  for (let i = 0; i < BATCH; i += 1) {
    made += 1;
    const subject = `10.${(made >> 16) & 255}.${(made >> 8) & 255}.${made & 255}`;
    const { bytes } = source.sign({ ...A_CLAIM, subject });
    messages.push(field(2, Buffer.concat([field(2, bytes), field(4, Buffer.from(topicOf(A_CLAIM.kind)))])));
  }
  return prefixed(Buffer.concat(messages));
}

async function flood(stream: Stream): Promise<void> {
  while (!stopped && stream.status === 'open') {
    const more = stream.send(rpc());
    sent += BATCH;
    if (more) await new Promise((resolve) => setImmediate(resolve));
    else await stream.onDrain();
  }
}

parentPort?.on('message', (message: 'start' | 'stop') => void (message === 'start' ? start() : stop()));
parentPort?.postMessage('ready');

async function start(): Promise<void> {
  const streams = await Promise.all(connections.map((connection) => connection.newStream('/meshsub/1.2.0')));
  // A stream that breaks under it is the end of that one only.
  for (const stream of streams) void flood(stream).catch(() => undefined);
}

async function stop(): Promise<void> {
  stopped = true;
  parentPort?.postMessage({ perPeer: sent / peers.length });
  await node.stop();
  parentPort?.close();
}
