import type { Stream } from '@libp2p/interface';

/** A peer broke the sync protocol, sent more than was agreed, or did not answer in time. */
export class SyncError extends Error {
  override readonly name = 'SyncError';
}

/** The frames of a sync, one byte each. A digest opens it, `end` closes what one side gives, `done` says what was taken. */
export const FRAME = Object.freeze({ digest: 1, bucket: 2, envelope: 3, end: 4, done: 5 });
export type FrameType = (typeof FRAME)[keyof typeof FRAME];

export interface Frame {
  readonly type: FrameType;
  readonly payload: Uint8Array;
}

const TYPES: ReadonlySet<number> = new Set(Object.values(FRAME));
/** Length (3 bytes, big-endian) of what follows, and the type. */
const LENGTH_BYTES = 3;
const HEADER_BYTES = LENGTH_BYTES + 1;
/** Frames gathered before they are given to the stream, in bytes: about what one segment of the muxer takes. */
const GATHER_BYTES = 16_384;

export interface ChannelLimits {
  /** Bytes of one frame. */
  readonly frameBytes: number;
  /** Bytes the peer may send in all. */
  readonly bytes: number;
}

/** Frames over a stream: strict about what comes in, waiting where the peer reads slowly. */
export class SyncChannel {
  readonly #stream: Pick<Stream, 'send' | 'onDrain'>;
  readonly #source: AsyncIterator<Uint8Array | { subarray(): Uint8Array }>;
  readonly #limits: ChannelLimits;
  readonly #signal: AbortSignal;
  #waiting: Buffer = Buffer.alloc(0);
  #out: Uint8Array[] = [];
  #outBytes = 0;
  bytesIn = 0;
  bytesOut = 0;
  /** Envelopes that were taken from the peer and given to it so far, also where the sync breaks off. */
  readonly tally = { envelopesIn: 0, envelopesOut: 0, envelopeBytesOut: 0 };

  constructor(
    stream: Pick<Stream, 'send' | 'onDrain'> & AsyncIterable<Uint8Array | { subarray(): Uint8Array }>,
    limits: ChannelLimits,
    signal: AbortSignal,
  ) {
    this.#stream = stream;
    this.#source = stream[Symbol.asyncIterator]();
    this.#limits = limits;
    this.#signal = signal;
  }

  async send(type: FrameType, payload: Uint8Array = new Uint8Array()): Promise<void> {
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUIntBE(payload.length + 1, 0, LENGTH_BYTES);
    header[LENGTH_BYTES] = type;
    this.#out.push(header, payload);
    this.#outBytes += HEADER_BYTES + payload.length;
    if (this.#outBytes >= GATHER_BYTES) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#outBytes === 0) return;
    const bytes = Buffer.concat(this.#out);
    this.#out = [];
    this.#outBytes = 0;
    this.bytesOut += bytes.length;
    if (!this.#stream.send(bytes)) await this.#stream.onDrain({ signal: this.#signal });
  }

  /** The next frame; what was sent so far goes out first. Throws {@link SyncError} for what is none, or none that may come. */
  async next(): Promise<Frame> {
    await this.flush();
    for (;;) {
      const frame = this.#cut();
      if (frame !== undefined) return frame;
      const next = await this.#source.next();
      if (next.done === true) throw new SyncError('the peer ended the sync in the middle');
      const chunk = next.value instanceof Uint8Array ? next.value : next.value.subarray();
      this.bytesIn += chunk.length;
      if (this.bytesIn > this.#limits.bytes) throw new SyncError(`more than ${this.#limits.bytes} bytes in one sync`);
      this.#waiting = this.#waiting.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#waiting, chunk]);
    }
  }

  /** Ends reading: the listeners on the stream go. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }

  #cut(): Frame | undefined {
    if (this.#waiting.length < HEADER_BYTES) return undefined;
    const length = this.#waiting.readUIntBE(0, LENGTH_BYTES);
    const type = this.#waiting[LENGTH_BYTES] ?? 0;
    if (length < 1 || length > this.#limits.frameBytes + 1) throw new SyncError(`a frame of ${length} bytes`);
    if (!TYPES.has(type)) throw new SyncError(`a frame of type ${type}`);
    const end = LENGTH_BYTES + length;
    if (this.#waiting.length < end) return undefined;
    const payload = this.#waiting.subarray(HEADER_BYTES, end);
    this.#waiting = this.#waiting.subarray(end);
    return { type: type as FrameType, payload };
  }
}
