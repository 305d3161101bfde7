import { type FileHandle, rm } from 'node:fs/promises';
import { digestOf } from '@macronode/content';
import { LIMITS, ServiceError } from '@macronode/contracts';
import { type AssembledObject, ChunkAssembler } from './chunk-assembler.ts';
import { isMediumFailure, storageFailure } from './disk-failure.ts';
import type { KeyedLock } from './keyed-lock.ts';
import type { ObjectRow } from './object.commands.ts';
import type { ObjectLayout } from './object.layout.ts';
import type { CommittedObject, ObjectDraft, StoredObject } from './object.store.ts';

/** What a draft needs of the store that made it. */
export interface DraftHome {
  readonly layout: ObjectLayout;
  readonly locks: KeyedLock;
  readonly find: (id: string) => StoredObject | undefined;
  /** Stores the row; resolves when it is on disk, with whether it is new. */
  readonly put: (row: ObjectRow) => Promise<boolean>;
  /** The medium failed: no further write may be taken. */
  readonly failed: () => void;
}

/**
 * An upload on its way to disk: temp file, write, fsync, rename, fsync of the folder, durable row, and only then the
 * answer. An object that ends up small has no file at all.
 */
export class DiskDraft implements ObjectDraft {
  readonly #home: DraftHome;
  readonly #assembler = new ChunkAssembler();
  #temp: { readonly path: string; readonly file: FileHandle } | undefined;

  constructor(home: DraftHome) {
    this.#home = home;
  }

  get size(): number {
    return this.#assembler.size;
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      for (const chunk of this.#assembler.push(bytes)) await this.#append(chunk);
    } catch (error) {
      throw await this.#fail(error);
    }
  }

  async commit(expected?: string): Promise<CommittedObject> {
    try {
      const object = this.#assembler.finish();
      if (expected !== undefined && expected !== object.id) throw new ServiceError('digest_mismatch');
      const created = await this.#home.locks.run(object.id, () => this.#store(object));
      return { id: object.id, size: object.size, created };
    } catch (error) {
      throw await this.#fail(error);
    } finally {
      await this.abort();
    }
  }

  async abort(): Promise<void> {
    const temp = this.#temp;
    if (temp === undefined) return;
    this.#temp = undefined;
    await temp.file.close().catch(() => undefined);
    // At worst the file stays until the next start, which empties the folder.
    await rm(temp.path, { force: true }).catch(() => undefined);
  }

  async #store({ id, size, chunks, last }: AssembledObject): Promise<boolean> {
    if (this.#home.find(id) !== undefined) return false;
    const row = { id: digestOf(id), size, createdAt: Date.now(), chunks };
    if (size <= LIMITS.inline_object_bytes.value) return this.#home.put({ ...row, inline: last });
    await this.#append(last);
    const temp = this.#temp;
    if (temp === undefined) throw new Error('a draft of this size has a file');
    await temp.file.sync();
    await this.#home.layout.place(temp.path, id);
    this.#temp = undefined;
    await temp.file.close();
    return this.#home.put({ ...row, inline: null });
  }

  async #append(chunk: Uint8Array): Promise<void> {
    this.#temp ??= await this.#home.layout.createTemp();
    await this.#temp.file.writeFile(chunk);
  }

  async #fail(error: unknown): Promise<ServiceError> {
    if (isMediumFailure(error)) this.#home.failed();
    await this.abort();
    return storageFailure(error);
  }
}
