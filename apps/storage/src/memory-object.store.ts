import { chunkCount, chunkSpan, chunksOfRange } from '@macronode/content';
import { ServiceError } from '@macronode/contracts';
import { ChunkAssembler, isChunk } from './chunk-assembler.ts';
import type { StorageMetrics } from './metrics.ts';
import { type CommittedObject, type ObjectDraft, ObjectStore, type StoredObject } from './object.store.ts';

interface HeldObject extends StoredObject {
  readonly chunks: Uint8Array;
  readonly parts: readonly Uint8Array[];
}

/** Objects in memory: touches no disk, forgets everything, refuses beyond its bound. */
export class MemoryObjectStore extends ObjectStore {
  readonly #objects = new Map<string, HeldObject>();
  readonly #maxBytes: number;
  readonly #metrics: StorageMetrics;
  /** Bytes of objects and of drafts. */
  #bytes = 0;

  constructor(maxBytes: number, metrics: StorageMetrics) {
    super();
    this.#maxBytes = maxBytes;
    this.#metrics = metrics;
    metrics.diskFree.collect(() => this.#maxBytes - this.#bytes);
  }

  override find(id: string): Promise<StoredObject | undefined> {
    const held = this.#objects.get(id);
    return Promise.resolve(held === undefined ? undefined : { id, size: held.size });
  }

  override async *read({ id }: StoredObject, start: number, end: number): AsyncGenerator<Uint8Array, void, undefined> {
    const held = this.#objects.get(id);
    if (held === undefined) throw new ServiceError('not_found');
    if (end <= start) return;
    const { first, last } = chunksOfRange(start, end);
    for (let index = first; index <= last; index++) {
      const chunk = held.parts[index];
      const span = chunkSpan(index, held.size);
      if (chunk === undefined || !isChunk(id, held.chunks, index, chunk)) {
        this.#objects.delete(id);
        this.#bytes -= held.size;
        this.#metrics.integrityFail.inc({ where: 'chunk' });
        throw new ServiceError('integrity');
      }
      this.#metrics.chunksRead.inc();
      yield await Promise.resolve(
        chunk.subarray(Math.max(start, span.start) - span.start, Math.min(end, span.end) - span.start),
      );
    }
  }

  override draft(): ObjectDraft {
    return new MemoryDraft(this);
  }

  override refusal(): 'no_space' | undefined {
    return this.#bytes >= this.#maxBytes ? 'no_space' : undefined;
  }

  override close(): Promise<void> {
    this.#objects.clear();
    this.#bytes = 0;
    return Promise.resolve();
  }

  /** @throws ServiceError `no_space` */
  reserve(bytes: number): void {
    if (this.#bytes + bytes > this.#maxBytes) throw new ServiceError('no_space', 'The memory of this node is full.');
    this.#bytes += bytes;
  }

  release(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** Takes over what a draft reserved. */
  keep(object: HeldObject): CommittedObject {
    const created = !this.#objects.has(object.id);
    if (created) {
      this.#objects.set(object.id, object);
      this.#metrics.chunksWritten.inc(chunkCount(object.size));
    } else {
      this.#bytes -= object.size;
    }
    return { id: object.id, size: object.size, created };
  }
}

class MemoryDraft implements ObjectDraft {
  readonly #store: MemoryObjectStore;
  readonly #assembler = new ChunkAssembler();
  #parts: Uint8Array[] = [];
  #reserved = 0;

  constructor(store: MemoryObjectStore) {
    this.#store = store;
  }

  get size(): number {
    return this.#assembler.size;
  }

  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#store.reserve(bytes.length);
      this.#reserved += bytes.length;
      // A copy: a frame may be a view on a buffer much larger than itself.
      for (const chunk of this.#assembler.push(bytes)) this.#parts.push(new Uint8Array(chunk));
      resolve();
    });
  }

  commit(expected?: string): Promise<CommittedObject> {
    return new Promise((resolve) => {
      const { id, size, chunks, last } = this.#assembler.finish();
      if (expected !== undefined && expected !== id) {
        this.#drop();
        throw new ServiceError('digest_mismatch');
      }
      this.#reserved = 0;
      if (last.length > 0) this.#parts.push(new Uint8Array(last));
      resolve(this.#store.keep({ id, size, chunks, parts: this.#parts }));
    });
  }

  abort(): Promise<void> {
    this.#drop();
    return Promise.resolve();
  }

  #drop(): void {
    this.#store.release(this.#reserved);
    this.#reserved = 0;
    this.#parts = [];
  }
}
