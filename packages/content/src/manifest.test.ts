import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHUNK_BYTES, chunkCount, chunkSpan } from './chunks.ts';
import { digestBytes, hashBytes } from './content-id.ts';
import { ManifestError, buildManifest, chunkId, parseManifest } from './manifest.ts';

function manifestOf(bytes: Uint8Array) {
  const digests = Array.from({ length: chunkCount(bytes.length) }, (_, i) => {
    const { start, end } = chunkSpan(i, bytes.length);
    return digestBytes(bytes.subarray(start, end));
  });
  return buildManifest({ content: hashBytes(bytes), size: bytes.length, digests: Buffer.concat(digests) });
}

describe('manifests', () => {
  it('name every chunk, and come back from their own text', () => {
    fc.assert(
      fc.property(fc.nat(4 * CHUNK_BYTES), fc.nat(255), (size, seed) => {
        const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 31 + seed + (i >> 8)) & 255);
        const { manifest, json, id } = manifestOf(bytes);
        expect(parseManifest(json)).toEqual(manifest);
        expect(parseManifest(Buffer.from(json))).toEqual(manifest);
        expect(hashBytes(Buffer.from(json))).toBe(id);
        for (let i = 0; i < chunkCount(size); i += 1) {
          const { start, end } = chunkSpan(i, size);
          expect(chunkId(manifest, i)).toBe(hashBytes(bytes.subarray(start, end)));
        }
        expect(() => chunkId(manifest, chunkCount(size))).toThrow(RangeError);
      }),
      { numRuns: 25 },
    );
  });

  it('have the documented form', () => {
    const { json } = manifestOf(new Uint8Array());
    expect(json).toBe(
      `{"alg":"blake3-256","chunk":65536,"chunks":"","content":"${hashBytes(new Uint8Array())}","size":0,"v":1}`,
    );
  });

  it('refuse a chunk list that does not fit the size', () => {
    const content = hashBytes(Uint8Array.of(1));
    expect(() => buildManifest({ content, size: 1, digests: new Uint8Array(31) })).toThrow(ManifestError);
    expect(() => buildManifest({ content, size: 1, digests: new Uint8Array(64) })).toThrow(ManifestError);
    expect(() => buildManifest({ content, size: -1, digests: new Uint8Array() })).toThrow(ManifestError);
  });

  it('refuse a second spelling of the same list', () => {
    const { json, manifest } = manifestOf(Uint8Array.of(1, 2, 3));
    const last = manifest.chunks.at(-1) ?? '';
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const twin = alphabet[alphabet.indexOf(last) + 1] ?? '';
    const respelled = manifest.chunks.slice(0, -1) + twin;
    expect(() => parseManifest(json.replace(manifest.chunks, respelled))).toThrow(ManifestError);
    expect(() => parseManifest(json.replace(',', ', '))).toThrow('canonical');
    expect(() => parseManifest(json.replace('"v":1', '"v":2'))).toThrow(ManifestError);
    expect(() => parseManifest(json.replace('"v":1', '"v":1,"x":1'))).toThrow(ManifestError);
    expect(() => parseManifest(json.replace('"v":1', '"v":1,"v":1'))).toThrow('duplicate_key');
    expect(() => parseManifest('[]')).toThrow(ManifestError);
  });
});
