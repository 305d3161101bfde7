import { NodeKey } from '@macronode/keys';
import { describe, expect, it } from 'vitest';
import { ClaimSource } from '../claims/claim-source.ts';
import { ClaimTable } from '../claims/claim-table.ts';
import { decodeEnvelope } from '../claims/envelope.ts';
import { DIGEST_BYTES } from '../claims/table-digest.ts';
import { MESH_LIMITS } from '../mesh-limits.ts';
import { A_CLAIM } from './mesh-fixture.ts';
import {
  answerSync,
  askSync,
  channelLimits,
  type SyncLimits,
  type SyncResult,
  type SyncTable,
} from './sync-exchange.ts';
import { FRAME, SyncChannel, SyncError } from './sync-frames.ts';

/** Two ends of a wire in memory: what one sends the other reads, in pieces of any size. */
class Wire implements AsyncIterable<Uint8Array> {
  readonly #waiting: Uint8Array[] = [];
  readonly sent: Uint8Array[] = [];
  #wake: (() => void) | undefined;
  #ended = false;
  other: Wire | undefined;

  send(bytes: Uint8Array): boolean {
    this.sent.push(bytes);
    for (let at = 0; at < bytes.length; at += 1_000) this.other?.take(bytes.slice(at, at + 1_000));
    return true;
  }

  onDrain(): Promise<void> {
    return Promise.resolve();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  take(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next !== undefined) yield next;
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

function wires(): readonly [Wire, Wire] {
  const [near, far] = [new Wire(), new Wire()];
  near.other = far;
  far.other = near;
  return [near, far];
}

const channelOver = (wire: Wire, limits: SyncLimits): SyncChannel =>
  new SyncChannel(wire, channelLimits(limits), new AbortController().signal);

/** A table without gates, and a source that fills it. */
class Side implements SyncTable {
  readonly table = new ClaimTable({ limits: MESH_LIMITS, now: Date.now });
  readonly source = new ClaimSource(NodeKey.ephemeral(), Date.now);
  digest = () => this.table.digest();
  differing = (digest: Uint8Array) => this.table.differing(digest);
  bucket = (n: number) => this.table.bucket(n);
  receive = (bytes: Uint8Array) => this.table.merge(decodeEnvelope(bytes, MESH_LIMITS));

  says(claims: number, net = 0): this {
    for (let i = 0; i < claims; i += 1) {
      this.table.merge(this.source.sign({ ...A_CLAIM, subject: `10.${net}.${i >> 8}.${i & 255}` }));
    }
    return this;
  }
}

async function synced(
  asking: Side,
  asked: Side,
  limits: SyncLimits = MESH_LIMITS,
): Promise<SyncResult & { readonly envelopeBytesOut: number }> {
  const [near, far] = wires();
  const channel = channelOver(near, limits);
  const [result] = await Promise.all([
    askSync(channel, asking, limits),
    answerSync(channelOver(far, limits), asked, limits),
  ]);
  return { ...result, envelopeBytesOut: channel.tally.envelopeBytesOut };
}

describe('a sync', () => {
  it('makes two tables equal, with the envelopes as they were signed', async () => {
    const [a, b] = [new Side().says(100), new Side().says(50, 1)];
    expect(await synced(a, b)).toMatchObject({ same: false, merged: 50, mergedThere: 100, more: false });
    expect(a.table.digest()).toEqual(b.table.digest());
    const [one] = a.table.find({ subject: '10.0.0.7', limit: 1 });
    expect(b.table.find({ subject: '10.0.0.7', limit: 1 })[0]?.bytes).toEqual(one?.bytes);
    expect(await synced(b, a)).toMatchObject({ same: true, envelopesIn: 0, envelopesOut: 0 });
  });

  it('brings a large table in pieces, and gets there whatever the pieces are', async () => {
    const limits = { ...MESH_LIMITS, syncEnvelopes: 64, syncBytes: 4_000 };
    const [a, b] = [new Side(), new Side().says(1_000)];
    for (let round = 0; round < 500 && a.table.size < 1_000; round += 1) {
      const result = await synced(round % 2 === 0 ? a : b, round % 2 === 0 ? b : a, limits);
      expect(result.envelopesIn).toBeLessThanOrEqual(64);
      expect(result.envelopeBytesOut).toBeLessThanOrEqual(4_000);
    }
    expect(a.table.digest()).toEqual(b.table.digest());
  });

  it('ends at once with a peer that breaks the protocol', async () => {
    const side = new Side().says(3);
    const frame = (type: number, payload: Uint8Array): Uint8Array => {
      const header = Buffer.alloc(4);
      header.writeUIntBE(payload.length + 1, 0, 3);
      header[3] = type;
      return Buffer.concat([header, payload]);
    };
    const digest = frame(FRAME.digest, Buffer.alloc(DIGEST_BYTES));
    const wrong: readonly Uint8Array[] = [
      frame(FRAME.end, Uint8Array.of(0)),
      frame(FRAME.digest, Buffer.alloc(DIGEST_BYTES - 1)),
      frame(9, new Uint8Array()),
      Buffer.from([0xff, 0xff, 0xff, 1]),
      Buffer.from([0, 0, 0, 1]),
      Buffer.concat([digest, frame(FRAME.bucket, Buffer.from([0, 0, 1, 0]))]),
      Buffer.concat([digest, frame(FRAME.bucket, Buffer.alloc(4)), frame(FRAME.bucket, Buffer.alloc(4))]),
      Buffer.concat([digest, frame(FRAME.done, Buffer.alloc(4))]),
      Buffer.concat([digest, frame(FRAME.end, Buffer.alloc(2))]),
      Buffer.concat([digest, ...new Array<Uint8Array>(1_000).fill(frame(FRAME.bucket, Buffer.alloc(4)))]),
      digest,
    ];
    for (const bytes of wrong) {
      const [near, far] = wires();
      near.send(bytes);
      far.end();
      await expect(answerSync(channelOver(far, MESH_LIMITS), side, MESH_LIMITS)).rejects.toThrow(SyncError);
      expect(side.table.size).toBe(3);
    }
  });

  it('reads no more bytes than were agreed', async () => {
    const side = new Side();
    const [near, far] = wires();
    const { bytes } = channelLimits(MESH_LIMITS);
    near.send(Buffer.concat([Buffer.from([0, 0, 2, FRAME.end, 0]), Buffer.alloc(bytes + 1)]));
    await expect(
      (async () => {
        const channel = channelOver(far, MESH_LIMITS);
        for (;;) await channel.next();
      })(),
    ).rejects.toThrow(SyncError);
    expect(side.table.size).toBe(0);
  });
});
