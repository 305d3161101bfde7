import { createHash } from 'node:crypto';
import { CHUNK_BYTES, ContentHasher, hashBytes } from '@macronode/content';
import { throughput, type Bench, type BenchCase } from '../bench-harness.ts';
import { handingOver } from './blake3/handing-over.ts';

const KIB = 1024;

function hashing(name: string, bytes: number, hash: (block: Uint8Array) => unknown): BenchCase {
  const block = new Uint8Array(bytes).fill(7);
  return {
    name,
    unit: 'MB/s',
    bytes,
    work: (count) => {
      for (let i = 0; i < count; i += 1) hash(block);
    },
    measure: throughput(bytes),
  };
}

/** Hashing is the price of every object read and written: it must stay far above what a disk or a network gives. */
export const blake3: Bench = {
  summary: 'content ids: BLAKE3 in one call and in parts, beside SHA-256',
  prepare: async () => {
    const hasher = new ContentHasher();
    const over = handingOver();
    return {
      cases: [
        hashing('one call, 1 KiB', KIB, hashBytes),
        hashing('one call, 64 KiB', CHUNK_BYTES, hashBytes),
        hashing('one call, 1 MiB', KIB * KIB, hashBytes),
        hashing('in parts of 64 KiB', CHUNK_BYTES, (block) => hasher.update(block)),
        hashing('sha-256, 64 KiB', CHUNK_BYTES, (block) => createHash('sha256').update(block).digest()),
        ...over.cases,
      ],
      ratios: [
        { name: 'blake3 over sha-256 at 64 KiB', of: 'one call, 64 KiB', to: 'sha-256, 64 KiB' },
        { name: 'event loop: by a thread over here', of: 'hashed by a thread, 64 KiB', to: 'hashed here, 64 KiB' },
      ],
      dispose: () => over.dispose(),
    };
  },
};
