import { blake3 as nobleBlake3 } from '@noble/hashes/blake3.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ContentHasher, contentIdOf, digestBytes, digestOf, hashBytes, isContentId, keyedHash } from './content-id.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('hashing', () => {
  it('agrees with a second implementation, also on views into a larger buffer', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), fc.nat(40), (bytes, offset) => {
        const view = bytes.subarray(Math.min(offset, bytes.length));
        expect(hashBytes(view)).toBe(`b3:${hex(nobleBlake3(view))}`);
        expect(hex(digestBytes(view))).toBe(hex(nobleBlake3(view)));
        const key = digestBytes(bytes);
        expect(hex(keyedHash(key, view))).toBe(hex(nobleBlake3(view, { key })));
      }),
      { numRuns: 60 },
    );
  });

  it('does not depend on how the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 2000 }), { maxLength: 8 }), (parts) => {
        const hasher = new ContentHasher();
        for (const part of parts) hasher.update(part);
        expect(hasher.digest()).toBe(hashBytes(Buffer.concat(parts)));
        expect(hasher.digest()).toBe(hashBytes(Buffer.concat(parts)));
        expect(hasher.reset().digest()).toBe(hashBytes(new Uint8Array()));
      }),
    );
  });

  it('refuses a key that is not 32 bytes', () => {
    expect(() => keyedHash(new Uint8Array(31), new Uint8Array())).toThrow(RangeError);
  });
});

describe('content ids', () => {
  it('have one spelling', () => {
    const id = hashBytes(new Uint8Array());
    expect(isContentId(id)).toBe(true);
    for (const other of [id.toUpperCase(), id.slice(3), `${id}0`, id.slice(0, -1), `${id}\n`, ` ${id}`, '']) {
      expect(isContentId(other)).toBe(false);
    }
  });

  it('turn into raw digests and back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (digest) => {
        expect(hex(digestOf(contentIdOf(digest)))).toBe(hex(digest));
      }),
    );
    expect(() => contentIdOf(new Uint8Array(31))).toThrow(RangeError);
    expect(() => digestOf('b3:00')).toThrow(RangeError);
  });
});
