import { createCipheriv, createHash, randomBytes, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { hashBytes } from '@macronode/content';

/** The same bytes for the same seed, as fast as AES-CTR, without holding more than a chunk. */
export function* byteChunks(size: number, seed: string, chunkBytes = 64 * 1024): Generator<Buffer> {
  const key = createHash('sha256').update(seed).digest();
  const stream = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  const zeros = Buffer.alloc(chunkBytes);
  for (let left = size; left > 0; left -= chunkBytes)
    yield stream.update(zeros.subarray(0, Math.min(left, chunkBytes)));
}

export const bytesOf = (size: number, seed: string): Buffer => Buffer.concat([...byteChunks(size, seed)], size);

export const streamOf = (size: number, seed: string): Readable =>
  Readable.from(byteChunks(size, seed), { objectMode: false });

/** A word no other test and no earlier run has used. */
export const unique = (prefix: string): string => `${prefix}-${randomUUID().slice(0, 13)}`;

/** The id of nothing anybody has stored. */
export const absentId = (): string => `b3:${randomBytes(32).toString('hex')}`;

/** Bytes nobody has stored yet, and their id. There are few objects of a byte or two: those may be there already. */
export function freshObject(size: number): { bytes: Buffer; id: string } {
  const bytes = bytesOf(size, randomUUID());
  return { bytes, id: hashBytes(bytes) };
}
