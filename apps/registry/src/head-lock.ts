import { mkdir, open, readFile, rename, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

/** A size and the root that was signed for it. */
export interface LockedHead {
  readonly size: number;
  /** 32 bytes in hex. */
  readonly root: string;
}

/** Thrown when a log must not be written: what was signed before does not fit what is there now. */
export class ForkRefused extends Error {
  override readonly name = 'ForkRefused';
}

/** Thrown when the lock itself cannot be read or written. */
class HeadLockFailed extends Error {
  override readonly name = 'HeadLockFailed';
}

const LINE = /^(\d{1,16}) ([0-9a-f]{64})$/;
/** The file is begun anew beyond this: about ten thousand heads. */
const FILE_BYTES = 1024 * 1024;

/**
 * The last head this log has signed, kept outside of the log. A log that was restored from an older backup is behind it,
 * one that was written by somebody else differs from it: both must not sign again.
 *
 * One line a head, appended and synced before the head is signed. A line that was torn by a crash was never signed, so
 * it does not count.
 */
export abstract class HeadLock {
  abstract get last(): LockedHead | undefined;
  /** Whether it was there when it was opened. */
  abstract get found(): boolean;
  /** Whether it outlives the log: a file does. */
  abstract get outside(): boolean;
  /** Whether it can still be written. */
  abstract get writable(): boolean;
  /** Durable when it resolves. Rejects with {@link HeadLockFailed}, from then on always. */
  abstract advance(head: LockedHead): Promise<void>;
  abstract close(): Promise<void>;
}

/** For a log that keeps nothing. */
export class MemoryHeadLock extends HeadLock {
  #last: LockedHead | undefined;

  override get last(): LockedHead | undefined {
    return this.#last;
  }
  override get found(): boolean {
    return false;
  }
  override get outside(): boolean {
    return false;
  }
  override get writable(): boolean {
    return true;
  }
  override advance(head: LockedHead): Promise<void> {
    this.#last = head;
    return Promise.resolve();
  }
  override close(): Promise<void> {
    return Promise.resolve();
  }
}

/** A head as the file has it. */
export const lineOf = ({ size, root }: LockedHead): string => `${size} ${root}\n`;

/** Undefined when there is no file, `[]` when it holds no head. */
async function readHeads(file: string): Promise<readonly LockedHead[] | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  // What follows the last newline is the torn end of a line.
  const lines = text.split('\n').slice(0, -1);
  const last = lines.at(-1);
  if (last === undefined) return [];
  const match = LINE.exec(last);
  if (match === null) throw new HeadLockFailed(`${file} is damaged: its last line is no head`);
  return [{ size: Number(match[1]), root: match[2] ?? '' }];
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export class FileHeadLock extends HeadLock {
  readonly #folder: string;
  readonly #file: string;
  #handle: FileHandle;
  readonly #found: boolean;
  #bytes = 0;
  #last: LockedHead | undefined;
  #failed = false;

  private constructor(folder: string, file: string, handle: FileHandle, heads: readonly LockedHead[] | undefined) {
    super();
    this.#folder = folder;
    this.#file = file;
    this.#handle = handle;
    this.#found = heads !== undefined;
    this.#last = heads?.at(-1);
  }

  static async open(folder: string): Promise<FileHeadLock> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const file = join(folder, 'signed-heads');
    const heads = await readHeads(file);
    const lock = new FileHeadLock(folder, file, await open(file, 'a', 0o600), heads);
    // Begun anew at every start, which also cuts off a torn line.
    await lock.#rewrite();
    return lock;
  }

  override get last(): LockedHead | undefined {
    return this.#last;
  }

  override get found(): boolean {
    return this.#found;
  }

  override get outside(): boolean {
    return true;
  }

  override get writable(): boolean {
    return !this.#failed;
  }

  override async advance(head: LockedHead): Promise<void> {
    if (this.#failed) throw new HeadLockFailed('the lock of the log failed before');
    const line = lineOf(head);
    try {
      await this.#handle.appendFile(line);
      await this.#handle.datasync();
      this.#bytes += line.length;
      this.#last = head;
      if (this.#bytes > FILE_BYTES) await this.#rewrite();
    } catch (cause) {
      // A failed fsync must not be followed by one that hides it.
      this.#failed = true;
      throw new HeadLockFailed('the lock of the log cannot be written', { cause });
    }
  }

  async #rewrite(): Promise<void> {
    const next = `${this.#file}.next`;
    const handle = await open(next, 'w', 0o600);
    const line = this.#last === undefined ? '' : lineOf(this.#last);
    await handle.writeFile(line);
    await handle.sync();
    await rename(next, this.#file);
    await syncFolder(this.#folder);
    await this.#handle.close();
    this.#handle = handle;
    this.#bytes = line.length;
  }

  override async close(): Promise<void> {
    await this.#handle.close();
  }
}
