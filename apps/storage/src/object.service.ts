import type { BusContext, StreamReply } from '@macronode/bus';
import {
  LIMITS,
  type ObjectOpenReply,
  type ObjectOpenRequest,
  type ObjectReadReply,
  type ObjectReadRequest,
  type ObjectWriteReply,
  type ObjectWriteRequest,
  ServiceError,
} from '@macronode/contracts';
import { Holders, type Occupancy } from '@macronode/metrics';
import type { StorageConfig } from './config.ts';
import { REFUSAL_REASONS, type RefusalReason, type StorageMetrics } from './metrics.ts';
import type { ObjectDraft, ObjectStore } from './object.store.ts';
import { judgeRead } from './range.ts';
import { type Upload, UploadSlots } from './upload-slots.ts';
import { VerifiedStream } from './verified-stream.ts';

const secondsSince = (started: number): number => (performance.now() - started) / 1_000;

function refusalReason(error: unknown): RefusalReason {
  if (!(error instanceof ServiceError)) return 'canceled';
  const words: readonly (string | undefined)[] = [error.reason, error.code];
  return REFUSAL_REASONS.find((reason) => words.includes(reason)) ?? 'other';
}

/** What storage does: opens uploads, takes their bytes, and serves verified ones. */
export class ObjectService {
  readonly #store: ObjectStore;
  readonly #config: StorageConfig;
  readonly #metrics: StorageMetrics;
  readonly #uploads: UploadSlots;
  readonly #reads = new Holders();

  constructor(store: ObjectStore, config: StorageConfig, metrics: StorageMetrics) {
    this.#store = store;
    this.#config = config;
    this.#metrics = metrics;
    this.#uploads = new UploadSlots(config.uploadSlots, LIMITS.stream_idle_timeout_ms.value);
    metrics.uploadsInflight.collect(() => this.#uploads.size);
    metrics.readsInflight.collect(() => this.#reads.size);
  }

  occupancies(): readonly Occupancy[] {
    const [held, bound] = [this.#reads.size, this.#config.readSlots];
    return [
      this.#uploads.occupancy(),
      { kind: 'semaphore', name: 'read slots', held, bound, oldestMs: this.#reads.oldestMs() },
    ];
  }

  /** Answers what is there already, or where to send the bytes. */
  open(request: ObjectOpenRequest, context: Pick<BusContext, 'ticket'>): Promise<ObjectOpenReply> {
    return this.#counted(async () => {
      const present = request.id === undefined ? undefined : await this.#store.find(request.id);
      if (present !== undefined) {
        if (request.must_be_new) throw new ServiceError('precondition_failed', 'The object is there already.');
        return { outcome: 'present', id: present.id, size: present.size };
      }
      if (request.size !== undefined) this.#checkSize(request.size);
      const refusal = this.#store.refusal();
      if (refusal !== undefined) throw new ServiceError(refusal, undefined, { retryAfterMs: 5_000 });
      const { key } = this.#uploads.reserve(request);
      return { outcome: 'ticket', ticket: { ...context.ticket(), upload: key } };
    });
  }

  /** Takes the bytes of a ticket. Nothing is visible, and nothing remains, unless it answers. */
  write(request: ObjectWriteRequest, context: Pick<BusContext, 'body'>): Promise<ObjectWriteReply> {
    return this.#counted(async () => {
      const upload = this.#uploads.claim(request.upload);
      const draft = this.#store.draft();
      try {
        await this.#receive(upload, draft, context.body);
        return await this.#commit(upload, draft);
      } finally {
        await draft.abort();
        this.#uploads.release(upload);
      }
    });
  }

  async #receive({ request }: Upload, draft: ObjectDraft, body: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const bytes of body) {
      this.#metrics.bytesIn.inc(bytes.length);
      const size = draft.size + bytes.length;
      this.#checkSize(size);
      if (request.size !== undefined && size > request.size) throw wrongLength('oversized');
      await draft.write(bytes);
    }
    if (request.size !== undefined && draft.size < request.size) throw wrongLength('truncated');
  }

  async #commit({ request }: Upload, draft: ObjectDraft): Promise<ObjectWriteReply> {
    const started = performance.now();
    const stored = await draft.commit(request.id);
    this.#metrics.putLatency.observe(secondsSince(started));
    this.#metrics.objectsStored.inc({ result: stored.created ? 'created' : 'present' });
    if (!stored.created && request.must_be_new) {
      throw new ServiceError('precondition_failed', 'The object is there already.');
    }
    return stored;
  }

  #checkSize(size: number): void {
    if (size <= this.#config.maxObjectBytes) return;
    throw new ServiceError('too_large', undefined, { details: { limit_bytes: this.#config.maxObjectBytes } });
  }

  /** Judges conditions and range, and answers what they leave: in the answer when it is short, else as a stream. */
  read(
    { id, conditions }: ObjectReadRequest,
    context: Pick<BusContext, 'stream'>,
  ): Promise<StreamReply | ObjectReadReply> {
    return this.#counted(async () => {
      const started = performance.now();
      const object = await this.#store.find(id);
      if (object === undefined) throw new ServiceError('not_found');
      const head: ObjectReadReply = { ...object, ...judgeRead(id, object.size, conditions) };
      if (conditions.method === 'HEAD' || head.end === head.start) return head;
      const pieces = this.#metered(this.#store.read(object, head.start, head.end));
      const answer =
        head.end - head.start <= LIMITS.chunk_bytes.value
          ? { ...head, bytes: await collected(pieces) }
          : // The first piece is verified before the answer.
            context.stream(head, await VerifiedStream.open(pieces, this.#enter()));
      this.#metrics.getLatency.observe(secondsSince(started), { range: head.outcome === 'full' ? 'full' : 'partial' });
      return answer;
    });
  }

  /** Takes a slot. A read that is answered at once holds no window and needs none; what runs at once is bounded by the bus. */
  #enter(): () => void {
    if (this.#reads.size >= this.#config.readSlots) {
      throw new ServiceError('busy', 'All read slots are taken.', { reason: 'read_slots', retryAfterMs: 1_000 });
    }
    const holder = this.#reads.enter();
    return () => this.#reads.leave(holder);
  }

  async *#metered(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const piece of pieces) {
      this.#metrics.bytesOut.inc(piece.length);
      yield piece;
    }
  }

  async #counted<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      const expected = error instanceof ServiceError && error.code === 'not_found';
      if (!expected) this.#metrics.refused.inc({ reason: refusalReason(error) });
      throw error;
    }
  }

  close(): void {
    this.#uploads.close();
  }
}

/** A range of one chunk's length may cross a border between two. */
async function collected(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  const [only] = all;
  return only !== undefined && all.length === 1 ? only : Buffer.concat(all);
}

const wrongLength = (reason: 'truncated' | 'oversized'): ServiceError =>
  new ServiceError('bad_request', 'The body is not as long as was declared.', { reason });
