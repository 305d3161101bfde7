import type { Envelope } from '../claims/claim.ts';
import { DIGEST_BUCKETS, DIGEST_BYTES } from '../claims/table-digest.ts';
import type { Outcome } from '../claims/outcome.ts';
import type { MeshLimits } from '../mesh-limits.ts';
import { type ChannelLimits, FRAME, type SyncChannel, SyncError } from './sync-frames.ts';

/** What a sync reads of a table, and where it gives what came. */
export interface SyncTable {
  digest(): Uint8Array;
  differing(digest: Uint8Array): readonly number[];
  bucket(n: number): Iterable<Envelope>;
  /** Through the gates, as everything that comes from a peer. */
  receive(bytes: Uint8Array): Outcome;
}

export type SyncLimits = Pick<MeshLimits, 'envelopeBytes' | 'syncEnvelopes' | 'syncBytes'>;

/** What one sync came to, as one side saw it (counts of envelopes). */
export interface SyncResult {
  readonly same: boolean;
  readonly envelopesIn: number;
  readonly envelopesOut: number;
  readonly merged: number;
  /** What the peer took of ours; known to the side that asked. */
  readonly mergedThere: number;
  /** One of the two had more to give than fits. */
  readonly more: boolean;
}

const SAME: SyncResult = Object.freeze({
  same: true,
  envelopesIn: 0,
  envelopesOut: 0,
  merged: 0,
  mergedThere: 0,
  more: false,
});

const FRAME_OVERHEAD = 4;
const NUMBER_BYTES = 4;

/** What a peer may send in one sync: its digest, a frame per bucket, its envelopes, and the ends. */
export function channelLimits({ envelopeBytes, syncEnvelopes, syncBytes }: SyncLimits): ChannelLimits {
  const frames = (DIGEST_BUCKETS + syncEnvelopes + FRAME_OVERHEAD) * FRAME_OVERHEAD;
  return {
    frameBytes: Math.max(DIGEST_BYTES, envelopeBytes),
    bytes: DIGEST_BYTES + DIGEST_BUCKETS * NUMBER_BYTES + syncBytes + frames,
  };
}

/** What of a table goes to the peer in one sync. */
class Gift {
  readonly #channel: SyncChannel;
  readonly #limits: SyncLimits;
  more = false;

  constructor(channel: SyncChannel, limits: SyncLimits) {
    this.#channel = channel;
    this.#limits = limits;
  }

  async give({ bytes }: Envelope): Promise<boolean> {
    const { tally } = this.#channel;
    const { syncEnvelopes, syncBytes } = this.#limits;
    if (tally.envelopesOut >= syncEnvelopes || tally.envelopeBytesOut + bytes.length > syncBytes) {
      this.more = true;
      return false;
    }
    tally.envelopesOut += 1;
    tally.envelopeBytesOut += bytes.length;
    await this.#channel.send(FRAME.envelope, bytes);
    return true;
  }

  async end(): Promise<void> {
    await this.#channel.send(FRAME.end, Uint8Array.of(this.more ? 1 : 0));
  }
}

/** From a random place on: what the peer cannot take, now or ever, must not keep the rest from it. */
function rotated<T>(all: readonly T[]): readonly T[] {
  const from = Math.floor(Math.random() * all.length);
  return [...all.slice(from), ...all.slice(0, from)];
}

function numberFrame(n: number): Uint8Array {
  const bytes = Buffer.alloc(NUMBER_BYTES);
  bytes.writeUInt32BE(n);
  return bytes;
}

function readNumber(payload: Uint8Array): number {
  if (payload.length !== NUMBER_BYTES) throw new SyncError(`a number of ${payload.length} bytes`);
  return Buffer.from(payload).readUInt32BE();
}

async function readDigest(channel: SyncChannel): Promise<Uint8Array> {
  const { type, payload } = await channel.next();
  if (type !== FRAME.digest || payload.length !== DIGEST_BYTES) throw new SyncError('a sync begins with a digest');
  return payload;
}

interface Taken {
  readonly merged: number;
  readonly more: boolean;
  /** Buckets given whole, and what was in them as latin1 text: what the peer has need not be given back to it. */
  readonly buckets: ReadonlyMap<number, ReadonlySet<string>>;
}

/** Takes what the peer gives up to its `end`. */
async function takeGift(channel: SyncChannel, table: SyncTable, limits: SyncLimits): Promise<Taken> {
  const buckets = new Map<number, Set<string>>();
  const { tally } = channel;
  let [current, last, merged] = [new Set<string>(), -1, 0];
  for (;;) {
    const { type, payload } = await channel.next();
    if (type === FRAME.bucket) {
      last = readNumber(payload);
      if (last >= DIGEST_BUCKETS || buckets.has(last)) throw new SyncError(`bucket ${last} where none may be`);
      buckets.set(last, (current = new Set()));
    } else if (type === FRAME.envelope) {
      if (tally.envelopesIn >= limits.syncEnvelopes) throw new SyncError('more envelopes than one sync may bring');
      tally.envelopesIn += 1;
      current.add(Buffer.from(payload).toString('latin1'));
      if (table.receive(payload) === 'merged') merged += 1;
    } else if (type === FRAME.end && payload.length === 1) {
      const more = payload[0] === 1;
      // What is cut off was so within the last bucket, perhaps: of that one nothing is known.
      if (more) buckets.delete(last);
      return { merged, more, buckets };
    } else throw new SyncError(`a frame of type ${type} among envelopes`);
  }
}

/** The side that asks: its digest, then what the peer has that differs, then back what that lacks. */
export async function askSync(channel: SyncChannel, table: SyncTable, limits: SyncLimits): Promise<SyncResult> {
  await channel.send(FRAME.digest, table.digest());
  const theirs = Buffer.from(await readDigest(channel));
  const taken = await takeGift(channel, table, limits);
  const gift = new Gift(channel, limits);
  outer: for (const [n, held] of taken.buckets) {
    for (const envelope of rotated([...table.bucket(n)])) {
      if (held.has(Buffer.from(envelope.bytes).toString('latin1'))) continue;
      if (!(await gift.give(envelope))) break outer;
    }
  }
  await gift.end();
  const { type, payload } = await channel.next();
  if (type !== FRAME.done) throw new SyncError('a sync ends with what was taken');
  const mergedThere = readNumber(payload);
  const { envelopesIn, envelopesOut } = channel.tally;
  if (envelopesIn + envelopesOut === 0 && table.differing(theirs).length === 0) return SAME;
  return {
    same: false,
    envelopesIn,
    envelopesOut,
    merged: taken.merged,
    mergedThere,
    more: taken.more || gift.more,
  };
}

/** The side that is asked. */
export async function answerSync(channel: SyncChannel, table: SyncTable, limits: SyncLimits): Promise<SyncResult> {
  const differing = table.differing(await readDigest(channel));
  await channel.send(FRAME.digest, table.digest());
  const gift = new Gift(channel, limits);
  outer: for (const n of rotated(differing)) {
    await channel.send(FRAME.bucket, numberFrame(n));
    for (const envelope of rotated([...table.bucket(n)])) {
      if (!(await gift.give(envelope))) break outer;
    }
  }
  await gift.end();
  const taken = await takeGift(channel, table, limits);
  await channel.send(FRAME.done, numberFrame(taken.merged));
  await channel.flush();
  const { envelopesIn, envelopesOut } = channel.tally;
  if (differing.length === 0 && envelopesIn === 0) return SAME;
  return {
    same: false,
    envelopesIn,
    envelopesOut,
    merged: taken.merged,
    mergedThere: 0,
    more: taken.more || gift.more,
  };
}
