import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ENTRY_BYTES_MAX, decodeEntryBundle, encodeEntryBundle } from './entry-bundle.ts';
import { TlogMalformed } from './malformed.ts';

const entries = () => fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 256 });

const plain = (parts: readonly Uint8Array[]): number[][] => parts.map((part) => [...part]);

describe('an entry bundle', () => {
  it('is each entry after its length', () => {
    expect([...encodeEntryBundle([Buffer.from('ab'), Buffer.alloc(0)])]).toEqual([0, 2, 0x61, 0x62, 0, 0]);
    const large = Buffer.alloc(ENTRY_BYTES_MAX, 7);
    expect([...encodeEntryBundle([large]).subarray(0, 3)]).toEqual([0xff, 0xff, 7]);
    expect(decodeEntryBundle(encodeEntryBundle([large]))[0]).toHaveLength(ENTRY_BYTES_MAX);
  });

  it('gives back its entries, also from the middle of a buffer', () => {
    fc.assert(
      fc.property(entries(), fc.nat(20), (given, before) => {
        const bundle = encodeEntryBundle(given);
        const inside = Buffer.concat([Buffer.alloc(before, 0xff), bundle]).subarray(before);
        expect(plain(decodeEntryBundle(inside))).toEqual(plain(given));
      }),
      { numRuns: 50 },
    );
  });

  it('has one spelling, and is refused when cut off or grown', () => {
    fc.assert(
      fc.property(entries(), fc.nat(), (given, cut) => {
        const bundle = encodeEntryBundle(given);
        const part = bundle.subarray(0, cut % bundle.length);
        let read: Uint8Array[] | undefined;
        try {
          read = decodeEntryBundle(part);
        } catch (error) {
          expect(error).toMatchObject({ name: 'TlogMalformed', reason: 'entry_bundle' });
        }
        // Cut between entries it is a bundle of fewer.
        if (read !== undefined) expect(plain(read)).toEqual(plain(given.slice(0, read.length)));
        expect(() => decodeEntryBundle(Buffer.concat([bundle, Buffer.of(0)]))).toThrow(TlogMalformed);
      }),
      { numRuns: 50 },
    );
  });

  it('is 1 to 256 entries of up to 65,535 bytes', () => {
    expect(() => encodeEntryBundle([])).toThrow(RangeError);
    expect(() => encodeEntryBundle(Array<Uint8Array>(257).fill(Buffer.alloc(0)))).toThrow(RangeError);
    expect(() => encodeEntryBundle([Buffer.alloc(ENTRY_BYTES_MAX + 1)])).toThrow(RangeError);
    expect(decodeEntryBundle(Buffer.alloc(2 * 256))).toHaveLength(256);
    expect(() => decodeEntryBundle(Buffer.alloc(2 * 257))).toThrow(TlogMalformed);
    expect(() => decodeEntryBundle(Buffer.alloc(0))).toThrow(TlogMalformed);
  });
});
