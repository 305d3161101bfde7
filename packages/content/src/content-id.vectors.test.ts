import { expect, it } from 'vitest';
import { ContentHasher, hashBytes, keyedHash } from './content-id.ts';
import { officialVectors } from './official-vectors.ts';

interface Blake3Vectors {
  readonly key: string;
  readonly cases: readonly { readonly input_len: number; readonly hash: string; readonly keyed_hash: string }[];
}

const pattern = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i % 251);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

it('hashes the official BLAKE3 vectors one-shot, streamed and keyed hashing', () => {
  const vectors = JSON.parse(officialVectors('blake3.json')) as Blake3Vectors;
  expect(vectors.cases.length).toBeGreaterThan(30);
  for (const { input_len, hash, keyed_hash } of vectors.cases) {
    const input = pattern(input_len);
    expect(hashBytes(input)).toBe(`b3:${hash.slice(0, 64)}`);
    const hasher = new ContentHasher();
    for (let at = 0; at < input.length; at += 1000) hasher.update(input.subarray(at, at + 1000));
    expect(hasher.digest()).toBe(`b3:${hash.slice(0, 64)}`);
    expect(hex(keyedHash(Buffer.from(vectors.key, 'ascii'), input))).toBe(keyed_hash.slice(0, 64));
  }
});
