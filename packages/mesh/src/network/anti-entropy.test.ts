import type { Stream } from '@libp2p/interface';
import type { NodeKey } from '@macronode/keys';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClaimSource } from '../claims/claim-source.ts';
import { ClaimTable } from '../claims/claim-table.ts';
import { decodeEnvelope } from '../claims/envelope.ts';
import { DIGEST_BYTES } from '../claims/table-digest.ts';
import { MESH_LIMITS } from '../mesh-limits.ts';
import { SYNC_PROTOCOL } from './anti-entropy.ts';
import { ConnectionCounts } from './connection-counts.ts';
import { createNode, type NetworkNode } from './libp2p-node.ts';
import { A_CLAIM, comesTrue, keysFor, LOOPBACK, NamedNodes, TestNode } from './mesh-fixture.ts';
import { peerAddress } from './peer-address.ts';
import { answerSync, askSync, channelLimits, type SyncTable } from './sync-exchange.ts';
import { FRAME, SyncChannel } from './sync-frames.ts';

/** Short, so that a peer that stalls is given up while a test waits. */
const LIMITS = { syncIntervalMs: 100, syncDeadlineMs: 400 };
const IN_TIME = 30_000;

/** What the other side of a sync does with its stream. */
type Side = (stream: Stream) => unknown;

const channelOver = (stream: Stream): SyncChannel =>
  new SyncChannel(stream, channelLimits(MESH_LIMITS), new AbortController().signal);

/** Nothing more comes: neither an answer nor an end. */
const stall: Side = () => undefined;

describe('a comparison with a peer that is no good', { timeout: 60_000 }, () => {
  let keys: readonly NodeKey[];
  let trust: NamedNodes;
  let peer: NetworkNode;
  let answer: Side;
  let table: ClaimTable;
  let node: TestNode;

  beforeEach(async () => {
    keys = keysFor(2);
    trust = new NamedNodes(keys);
    node = await TestNode.start({ key: keys[0]!, trust });
    peer = await createNode({
      seed: keys[1]!.seed(),
      listen: LOOPBACK,
      gater: {},
      limits: MESH_LIMITS,
      agent: 'peer/1',
      metrics: new ConnectionCounts(node.counters).inboundFailures,
      register: undefined,
      penaltyOf: () => 0,
    });
    await peer.start();
    // The node breaks off, and the peer's side fails with it: what is judged is the node's.
    const answering = (stream: Stream): void => void (async () => answer(stream))().catch(() => undefined);
    await peer.handle(SYNC_PROTOCOL, answering, { maxInboundStreams: 16, maxOutboundStreams: 16 });
    answer = stall;
    table = new ClaimTable({ limits: MESH_LIMITS, now: Date.now });
  });
  afterEach(async () => {
    await node.mesh.stop();
    await peer.stop();
  });

  /** Starts the node anew, as one that dials the peer. */
  async function dialling(): Promise<void> {
    await node.mesh.stop();
    node = await TestNode.start({ key: keys[0]!, trust, peers: [String(peer.getMultiaddrs()[0])], limits: LIMITS });
  }

  const rounds = (result: 'same' | 'differed' | 'failed' | 'answer_failed' | 'answer_refused'): number =>
    node.counters.syncRounds.cell({ result }).value();
  const cameIn = (): number => node.counters.syncEnvelopes.cell({ direction: 'in' }).value();
  const said = (subject: string) => new ClaimSource(keys[1]!, Date.now).sign({ ...A_CLAIM, subject });
  const tableOfPeer: SyncTable = {
    digest: () => table.digest(),
    differing: (digest) => table.differing(digest),
    bucket: (n) => table.bucket(n),
    receive: (bytes) => table.merge(decodeEnvelope(bytes, MESH_LIMITS)),
  };

  it('gives up asking one that stalls, or sends garbage half-way, and keeps what was good', async () => {
    await dialling();
    await comesTrue('given up', IN_TIME, () => rounds('failed') >= 2);
    expect(node.rounds.every(({ result, ms }) => result === undefined && ms > LIMITS.syncDeadlineMs / 2)).toBe(true);
    const good = said('192.0.2.1');
    answer = async (stream) => {
      const channel = channelOver(stream);
      await channel.next();
      await channel.send(FRAME.digest, Buffer.alloc(DIGEST_BYTES, 1));
      await channel.send(FRAME.bucket, Buffer.alloc(4));
      await channel.send(FRAME.envelope, good.bytes);
      await channel.flush();
      stream.send(Buffer.alloc(1_000, 0xff));
    };
    await comesTrue('the good part', IN_TIME, () => node.knows('192.0.2.1'));
    await comesTrue('broken off', IN_TIME, () => node.rounds.some(({ bytesIn }) => bytesIn > 0));
    expect(node.rounds.find(({ bytesIn }) => bytesIn > 0)?.result).toBeUndefined();
    const { claimsReceived, claimsDropped } = node.counters;
    const judged = (): number => claimsReceived.value() + claimsDropped.cell({ reason: 'replay' }).value();
    await comesTrue('each counted, though none ended well', IN_TIME, () => cameIn() > 0 && cameIn() === judged());
    table.merge(said('192.0.2.2'));
    answer = (stream) => answerSync(channelOver(stream), tableOfPeer, MESH_LIMITS);
    await comesTrue('an honest answer', IN_TIME, () => node.knows('192.0.2.2'));
    expect(rounds('answer_failed') + rounds('answer_refused')).toBe(0);
  });

  it('gives up answering one that stalls, refuses another meanwhile, and answers the next', async () => {
    await node.mesh.stop();
    node = await TestNode.start({ key: keys[0]!, trust, limits: { ...LIMITS, syncIntervalMs: 1e9 } });
    node.mesh.publish(A_CLAIM);
    const connection = await peer.dial(peerAddress(node.address));
    const digest = (bytes: number): Uint8Array =>
      Buffer.concat([
        Buffer.from([0, (DIGEST_BYTES + 1) >> 8, (DIGEST_BYTES + 1) & 255, FRAME.digest]),
        Buffer.alloc(bytes),
      ]);
    const half = await connection.newStream(SYNC_PROTOCOL);
    half.send(digest(DIGEST_BYTES / 2));
    const meanwhile = await connection.newStream(SYNC_PROTOCOL);
    await comesTrue('refused', IN_TIME, () => rounds('answer_refused') === 1 && meanwhile.status !== 'open');
    await comesTrue('given up', IN_TIME, () => rounds('answer_failed') === 1 && half.status !== 'open');
    const garbage = await connection.newStream(SYNC_PROTOCOL);
    garbage.send(Buffer.concat([digest(DIGEST_BYTES), Buffer.alloc(1_000, 0xff)]));
    await comesTrue('broken off', IN_TIME, () => rounds('answer_failed') === 2 && garbage.status !== 'open');
    await askSync(channelOver(await connection.newStream(SYNC_PROTOCOL)), tableOfPeer, MESH_LIMITS);
    expect(table.size).toBe(1);
    expect(node.rounds).toEqual([]);
  });

  it('answers no peer more often than it may ask', async () => {
    const burst = 3;
    await node.mesh.stop();
    const limits = { ...LIMITS, syncsAskedBurst: burst, syncsAskedPerSecond: 1e-9 };
    node = await TestNode.start({ key: keys[0]!, trust, limits });
    const connection = await peer.dial(peerAddress(node.address));
    for (let i = 0; i < burst; i += 1) {
      const stream = await connection.newStream(SYNC_PROTOCOL);
      await askSync(channelOver(stream), tableOfPeer, MESH_LIMITS);
      await stream.close();
      await comesTrue('at its end', IN_TIME, () => stream.status !== 'open');
    }
    await connection.newStream(SYNC_PROTOCOL);
    await comesTrue('refused', IN_TIME, () => rounds('answer_refused') === 1);
  });
});
