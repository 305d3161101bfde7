import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ChainKey } from './audit-chain.ts';
import { readTail, type Tail } from './audit-tail.ts';

const OWNER_ONLY = 0o600;
const LINE_FEED = 0x0a;

/** Thrown when not every line could be written. */
export class AppendFailed extends Error {
  override readonly name = 'AppendFailed';
  /** Lines that are in the file whole. */
  readonly whole: number;

  constructor(whole: number, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.whole = whole;
  }
}

/**
 * An audit log on disk: the file that grows, and beside it those it was before, `.1` the youngest. It has one writer at a
 * time, who holds the lease.
 */
export class AuditFile {
  readonly #path: string;
  readonly #handle: FileHandle;
  #size: number;
  /** Something may lie after the last line feed. */
  #ragged: boolean;

  private constructor(path: string, handle: FileHandle, size: number, ragged: boolean) {
    this.#path = path;
    this.#handle = handle;
    this.#size = size;
    this.#ragged = ragged;
  }

  /** Opens the file for appending (mode 0600), and tells how the log ends. */
  static async open(path: string, keys: readonly ChainKey[]): Promise<{ file: AuditFile; tail: Tail }> {
    // Not blocking, as a pipe without a reader would hold the open for ever.
    const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;
    const handle = await open(path, flags, OWNER_ONLY);
    try {
      const info = await handle.stat();
      if (!info.isFile()) throw new Error(`${path} is no file`);
      await handle.chmod(OWNER_ONLY);
      const tail = await readTail(handle, keys);
      const file = new AuditFile(path, handle, info.size, await endsRagged(handle, info.size));
      // A process that was killed between moving the file and making the next one left the end of the log in `.1`.
      if (tail.head !== 'none') return { file, tail };
      await syncFolder(path);
      const before = await tailOfPredecessor(path, keys);
      return { file, tail: { head: before.head, torn: tail.torn ?? before.torn } };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  get size(): number {
    return this.#size;
  }

  /** Appends lines. Throws {@link AppendFailed}: then it takes no more, and the next to open it deals with what is torn. */
  async append(lines: readonly string[]): Promise<void> {
    const bytes = Buffer.from((this.#ragged ? '\n' : '') + lines.join(''));
    let done = 0;
    try {
      while (done < bytes.length) done += (await this.#handle.write(bytes, done, bytes.length - done)).bytesWritten;
    } catch (error) {
      throw new AppendFailed(wholeLines(bytes.subarray(this.#ragged ? 1 : 0, done)), error);
    }
    this.#ragged = false;
    this.#size += bytes.length;
  }

  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  /** Whether its path still leads to it: not so once it was moved or removed. */
  async inPlace(): Promise<boolean> {
    const [there, held] = await Promise.all([stat(this.#path).catch(() => undefined), this.#handle.stat()]);
    return there !== undefined && there.ino === held.ino && there.dev === held.dev;
  }

  /** Moves the file to `.1`, those before it one further, and opens an empty one. `files`: how many there may be in all. */
  async rotate(files: number): Promise<AuditFile> {
    await this.#handle.datasync();
    const named = (n: number): string => (n === 0 ? this.#path : `${this.#path}.${n}`);
    if (files === 1) await rm(this.#path);
    for (let n = files - 2; n >= 0; n--) {
      await rename(named(n), named(n + 1)).catch((error: unknown) => {
        if (n === 0 || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      });
    }
    const handle = await open(this.#path, 'ax+', OWNER_ONLY);
    try {
      await this.#handle.close();
      await syncFolder(this.#path);
    } catch (error) {
      await handle.close();
      throw error;
    }
    return new AuditFile(this.#path, handle, 0, false);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

function wholeLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) lines += 1;
  return lines;
}

async function endsRagged(handle: FileHandle, size: number): Promise<boolean> {
  if (size === 0) return false;
  const last = Buffer.alloc(1);
  await handle.read(last, 0, 1, size - 1);
  return last[0] !== LINE_FEED;
}

async function tailOfPredecessor(path: string, keys: readonly ChainKey[]): Promise<Tail> {
  let handle: FileHandle;
  try {
    handle = await open(`${path}.1`, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { head: 'none', torn: undefined };
    throw error;
  }
  try {
    return await readTail(handle, keys);
  } finally {
    await handle.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(dirname(path), 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
