import { type FileHandle, open, statfs } from 'node:fs/promises';
import { CHUNK_BYTES, chunkCount, chunkSpan, chunksOfRange, contentIdOf, digestOf } from '@macronode/content';
import { ServiceError } from '@macronode/contracts';
import type { MetricsScope } from '@macronode/metrics';
import { openStore, siblingModule, statement, type Store } from '@macronode/store';
import { ChunkAssembler, isChunk } from './chunk-assembler.ts';
import { DiskDraft } from './disk-draft.ts';
import { storageFailure } from './disk-failure.ts';
import { KeyedLock } from './keyed-lock.ts';
import type { StorageMetrics } from './metrics.ts';
import type { commands, ObjectRow } from './object.commands.ts';
import { ObjectLayout } from './object.layout.ts';
import { type ObjectDraft, ObjectStore, type StoredObject } from './object.store.ts';

/** Chunks fetched by one read of the disk: a quarter of a stream's window. */
const READ_CHUNKS = 4;

/** How often free space is asked for. */
const SPACE_INTERVAL_MS = 5_000;

/** Rows looked at between two turns of the event loop while reconciling. */
const RECONCILE_ROWS = 500;

export interface DiskObjectStoreOptions {
  readonly root: string;
  /** Free bytes below which no upload is taken, so that rows, logs and neighbours still fit. */
  readonly minFreeBytes: number;
  readonly metrics: StorageMetrics;
  readonly scope: MetricsScope;
}

type StoredRow = Pick<ObjectRow, 'inline' | 'chunks'>;

/** Objects on disk: small ones as rows, larger ones as immutable files beside the rows. An acknowledged object is on disk. */
export class DiskObjectStore extends ObjectStore {
  readonly #layout: ObjectLayout;
  readonly #rows: Store<typeof commands>;
  readonly #metrics: StorageMetrics;
  readonly #minFreeBytes: number;
  readonly #locks = new KeyedLock();
  readonly #spaceTimer: NodeJS.Timeout;
  readonly #reconciled: Promise<void>;
  #freeBytes = Number.MAX_SAFE_INTEGER;
  #failed = false;
  #closed = false;

  private constructor(layout: ObjectLayout, rows: Store<typeof commands>, options: DiskObjectStoreOptions) {
    super();
    this.#layout = layout;
    this.#rows = rows;
    this.#metrics = options.metrics;
    this.#minFreeBytes = options.minFreeBytes;
    this.#spaceTimer = setInterval(() => void this.#measureSpace(), SPACE_INTERVAL_MS).unref();
    this.#metrics.diskFree.collect(() => Math.max(0, this.#freeBytes - this.#minFreeBytes));
    this.#reconciled = this.#reconcile();
  }

  /** Opens or makes the folder, empties `tmp`, and starts to reconcile files with rows. */
  static async open(options: DiskObjectStoreOptions): Promise<DiskObjectStore> {
    const layout = await ObjectLayout.open(options.root);
    const rows = await openStore<typeof commands>({
      location: { file: layout.database },
      module: siblingModule('./object.commands', import.meta.url),
      metrics: options.scope,
    });
    const store = new DiskObjectStore(layout, rows, options);
    options.scope.occupied(() => [store.#locks.occupancy('object locks')]);
    await store.#measureSpace();
    return store;
  }

  /** Resolves when files and rows agree again after a crash. Reads and writes need not wait for it. */
  reconciled(): Promise<void> {
    return this.#reconciled;
  }

  override find(id: string): Promise<StoredObject | undefined> {
    return Promise.resolve(this.#findNow(id));
  }

  #findNow(id: string): StoredObject | undefined {
    const row = statement(this.#rows.reader, 'SELECT size FROM object WHERE id = ?').get(digestOf(id));
    return row === undefined ? undefined : { id, size: Number(row['size']) };
  }

  override async *read(object: StoredObject, start: number, end: number): AsyncGenerator<Uint8Array, void, undefined> {
    const { id, size } = object;
    const row = statement(this.#rows.reader, 'SELECT inline, chunks FROM object WHERE id = ?').get(digestOf(id));
    if (row === undefined) throw new ServiceError('not_found');
    const { inline, chunks } = row as unknown as StoredRow;
    if (inline === null) {
      if (end > start) yield* this.#readFile(object, chunks, start, end);
      return;
    }
    if (inline.length !== size || !isChunk(id, chunks, 0, inline)) {
      await this.#setAside(id, 'inline', () => this.#layout.quarantineBytes(id, inline).then(() => true));
      throw new ServiceError('integrity');
    }
    this.#metrics.chunksRead.inc();
    if (end > start) yield inline.subarray(start, end);
  }

  async *#readFile(
    { id, size }: StoredObject,
    chunks: Uint8Array,
    start: number,
    end: number,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const file = await this.#openFile(id);
    try {
      const { first, last } = chunksOfRange(start, end);
      for (let from = first; from <= last; from += READ_CHUNKS) {
        const to = Math.min(from + READ_CHUNKS - 1, last);
        const block = await readBlock(file, chunkSpan(from, size).start, chunkSpan(to, size).end);
        for (let index = from; index <= to; index++) {
          const span = chunkSpan(index, size);
          const base = (index - from) * CHUNK_BYTES;
          const chunk = block.subarray(base, base + span.end - span.start);
          if (!isChunk(id, chunks, index, chunk)) {
            const { ino } = await file.stat();
            await this.#setAside(id, 'chunk', () => this.#layout.quarantineFile(id, ino));
            throw new ServiceError('integrity');
          }
          this.#metrics.chunksRead.inc();
          yield chunk.subarray(Math.max(start, span.start) - span.start, Math.min(end, span.end) - span.start);
        }
      }
    } finally {
      await file.close();
    }
  }

  async #openFile(id: string): Promise<FileHandle> {
    try {
      return await open(this.#layout.pathOf(id), 'r');
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || error.code !== 'ENOENT') throw storageFailure(error);
      await this.#setAside(id, 'missing', async () => !(await this.#layout.hasFile(id)));
      throw new ServiceError('integrity');
    }
  }

  /** Counts a damaged object and takes it out of service: a repeated upload then makes it whole. */
  async #setAside(id: string, where: 'chunk' | 'inline' | 'missing', take: () => Promise<boolean>): Promise<void> {
    this.#metrics.integrityFail.inc({ where });
    try {
      await this.#locks.run(id, async () => {
        if (await take()) await this.#rows.write('drop', { id: digestOf(id) });
      });
    } catch {
      // The reader is told `integrity` either way, and the next one meets the same damage.
    }
  }

  override draft(): ObjectDraft {
    return new DiskDraft({
      layout: this.#layout,
      locks: this.#locks,
      find: (id) => this.#findNow(id),
      put: async (row) => {
        const { created } = await this.#rows.write('put', row);
        if (created) this.#metrics.chunksWritten.inc(chunkCount(row.size));
        return created;
      },
      failed: () => {
        this.#failed = true;
      },
    });
  }

  override refusal(): 'no_space' | 'unavailable' | undefined {
    if (this.#failed || this.#closed || this.#rows.fatal !== undefined) return 'unavailable';
    return this.#freeBytes < this.#minFreeBytes ? 'no_space' : undefined;
  }

  override async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#spaceTimer);
    await this.#reconciled;
    await this.#rows.close();
  }

  async #measureSpace(): Promise<void> {
    try {
      const { bavail, bsize } = await statfs(this.#layout.root);
      this.#freeBytes = bavail * bsize;
    } catch {
      this.#failed = true;
    }
  }

  async #reconcile(): Promise<void> {
    try {
      for await (const id of this.#layout.files()) {
        if (this.#closed) return;
        if (this.#findNow(id) === undefined) await this.#adopt(id);
      }
      await this.#dropRowsWithoutFile();
    } catch {
      // What could not be looked at now is found by the read that meets it.
    }
  }

  /** A file without a row: a crash between the two. It is taken when it is what its name says. */
  async #adopt(id: string): Promise<void> {
    await this.#locks.run(id, async () => {
      if (this.#findNow(id) !== undefined) return;
      const assembler = new ChunkAssembler();
      const file = await open(this.#layout.pathOf(id), 'r');
      try {
        for await (const bytes of file.createReadStream({ autoClose: false, highWaterMark: CHUNK_BYTES })) {
          assembler.hash(bytes as Buffer);
        }
      } finally {
        await file.close();
      }
      const { id: actual, size, chunks } = assembler.finish();
      if (actual !== id) {
        this.#metrics.integrityFail.inc({ where: 'startup' });
        await this.#layout.quarantineFile(id);
        return;
      }
      await this.#rows.write('put', { id: digestOf(id), size, createdAt: Date.now(), inline: null, chunks });
      this.#metrics.reconciled.inc({ action: 'adopted' });
    });
  }

  async #dropRowsWithoutFile(): Promise<void> {
    const page = 'SELECT id FROM object WHERE inline IS NULL AND id > ? ORDER BY id LIMIT ?';
    let after: Uint8Array = new Uint8Array(0);
    for (;;) {
      const rows = statement(this.#rows.reader, page).all(after, RECONCILE_ROWS);
      for (const row of rows) {
        if (this.#closed) return;
        after = row['id'] as Uint8Array;
        const id = contentIdOf(after);
        await this.#locks.run(id, async () => {
          if (await this.#layout.hasFile(id)) return;
          await this.#rows.write('drop', { id: digestOf(id) });
          this.#metrics.reconciled.inc({ action: 'dropped' });
        });
      }
      if (rows.length < RECONCILE_ROWS) return;
    }
  }
}

/** The bytes `[start, end)` of a file; fewer when the file is shorter, which no digest will match. */
async function readBlock(file: FileHandle, start: number, end: number): Promise<Uint8Array> {
  const block = new Uint8Array(end - start);
  let filled = 0;
  while (filled < block.length) {
    const { bytesRead } = await file
      .read(block, filled, block.length - filled, start + filled)
      .catch((error: unknown) => {
        throw storageFailure(error);
      });
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return block.subarray(0, filled);
}
