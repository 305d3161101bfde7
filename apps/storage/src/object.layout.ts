import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isContentId } from '@macronode/content';
import { newUlid } from '@macronode/service';

const VERSION = '1\n';

/** Makes the names in a folder durable: a rename is atomic by itself, but on disk only after this. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

const isErrno = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;

/**
 * The folder of one storage:
 *
 *     VERSION                  layout version
 *     meta.db                  rows, small objects, chunk digests
 *     objects/ab/cd/<hex>      immutable files, 0440
 *     tmp/<ulid>               uploads under way; emptied at start
 *     quarantine/<hex>.<ts>    damaged files, set aside for whoever wants to look
 */
export class ObjectLayout {
  readonly #root: string;
  readonly #folders = new Set<string>();

  private constructor(root: string) {
    this.#root = root;
  }

  /** Makes the folders and empties `tmp`. @throws Error when the folder was written by another layout version. */
  static async open(root: string): Promise<ObjectLayout> {
    for (const folder of ['objects', 'quarantine', 'tmp']) await mkdir(join(root, folder), { recursive: true });
    const version = await readFile(join(root, 'VERSION'), 'utf8').catch((error: unknown) => {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw error;
    });
    if (version === undefined) await writeFile(join(root, 'VERSION'), VERSION, { flush: true });
    else if (version !== VERSION)
      throw new Error(`${root} has layout version ${version.trim()}, not ${VERSION.trim()}`);
    for (const name of await readdir(join(root, 'tmp'))) await rm(join(root, 'tmp', name), { force: true });
    await syncFolder(root);
    return new ObjectLayout(root);
  }

  get root(): string {
    return this.#root;
  }

  get database(): string {
    return join(this.#root, 'meta.db');
  }

  pathOf(id: string): string {
    const hex = id.slice(3);
    return join(this.#root, 'objects', hex.slice(0, 2), hex.slice(2, 4), hex);
  }

  async createTemp(): Promise<{ path: string; file: FileHandle }> {
    const path = join(this.#root, 'tmp', newUlid());
    return { path, file: await open(path, 'wx', 0o440) };
  }

  /** Moves a complete, synced file to its place and makes its name durable. Replaces what is there. */
  async place(temp: string, id: string): Promise<void> {
    const hex = id.slice(3);
    const outer = join(this.#root, 'objects', hex.slice(0, 2));
    const inner = join(outer, hex.slice(2, 4));
    await this.#makeFolder(outer, join(this.#root, 'objects'));
    await this.#makeFolder(inner, outer);
    await rename(temp, join(inner, hex));
    await syncFolder(inner);
  }

  async #makeFolder(path: string, parent: string): Promise<void> {
    if (this.#folders.has(path)) return;
    await mkdir(path, { recursive: true });
    await syncFolder(parent);
    this.#folders.add(path);
  }

  /**
   * Sets the file of an object aside. With `inode` only if it is still that file, so that a damaged file an old reader
   * holds never drags a sound new one with it. True when the object has no file any more.
   */
  async quarantineFile(id: string, inode?: number): Promise<boolean> {
    const path = this.pathOf(id);
    try {
      if (inode !== undefined && (await stat(path)).ino !== inode) return false;
      await rename(path, this.#quarantinePath(id));
      return true;
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return true;
      throw error;
    }
  }

  async quarantineBytes(id: string, bytes: Uint8Array): Promise<void> {
    await writeFile(this.#quarantinePath(id), bytes, { mode: 0o440 });
  }

  #quarantinePath(id: string): string {
    return join(this.#root, 'quarantine', `${id.slice(3)}.${Date.now()}`);
  }

  async hasFile(id: string): Promise<boolean> {
    try {
      await stat(this.pathOf(id));
      return true;
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return false;
      throw error;
    }
  }

  /** The ids of all files, folder by folder. */
  async *files(): AsyncGenerator<string, void, undefined> {
    const objects = join(this.#root, 'objects');
    for (const outer of await readdir(objects)) {
      for (const inner of await readdir(join(objects, outer))) {
        for (const name of await readdir(join(objects, outer, inner))) {
          const id = `b3:${name}`;
          if (isContentId(id) && name.startsWith(outer + inner)) yield id;
        }
      }
    }
  }
}
