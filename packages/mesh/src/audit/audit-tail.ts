import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { type ChainKey, LINE_BYTES_MAX, looksWhole, type PrevHead, type TornTail } from './audit-chain.ts';

/** Bytes read from the end of a file: a whole record, and what some crashes in a row may leave after it. */
const TAIL_BYTES = 16 * LINE_BYTES_MAX;
const LINE_FEED = 0x0a;

export interface Tail {
  readonly head: PrevHead;
  readonly torn: TornTail | undefined;
}

/**
 * How a file ends: its last record, and what a killed process left after it. A whole record that no key sealed is not
 * stepped over: then the head is `unverified`.
 */
export async function readTail(handle: FileHandle, keys: readonly ChainKey[]): Promise<Tail> {
  const { size } = await handle.stat();
  const bytes = Buffer.alloc(Math.min(size, TAIL_BYTES));
  const { bytesRead } = await handle.read(bytes, 0, bytes.length, size - bytes.length);
  return tailOf(bytes.subarray(0, bytesRead), bytesRead === size, keys);
}

/** The same of bytes; `whole`: there is nothing before them. */
function tailOf(bytes: Buffer, whole: boolean, keys: readonly ChainKey[]): Tail {
  let end = bytes.lastIndexOf(LINE_FEED);
  while (end >= 0) {
    const start = end === 0 ? -1 : bytes.lastIndexOf(LINE_FEED, end - 1);
    if (start < 0 && !whole) break;
    const line = bytes.subarray(start + 1, end);
    for (const key of keys) {
      const head = key.headOf(line);
      if (head !== undefined) return { head, torn: tornOf(bytes.subarray(end + 1)) };
    }
    if (looksWhole(line)) return { head: 'unverified', torn: tornOf(bytes.subarray(end + 1)) };
    end = start;
  }
  return whole ? { head: 'none', torn: tornOf(bytes) } : { head: 'unverified', torn: undefined };
}

const tornOf = (bytes: Buffer): TornTail | undefined =>
  bytes.length === 0 ? undefined : { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
