import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readReceipt, writeReceipt } from './receipt.ts';

const key = randomBytes(32);
const delivery = () =>
  fc.record({ lsn: fc.integer({ min: 1, max: 2 ** 48 - 1 }), attempt: fc.integer({ min: 1, max: 65_535 }) });

describe('a receipt', () => {
  it('names its delivery', () => {
    fc.assert(
      fc.property(delivery(), (one) => {
        expect(readReceipt(key, writeReceipt(key, one))).toEqual(one);
      }),
    );
  });

  it('is refused with any bit changed, cut, padded, or under another key', () => {
    fc.assert(
      fc.property(delivery(), fc.nat(127), (one, bit) => {
        const receipt = writeReceipt(key, one);
        const bytes = Buffer.from(receipt, 'base64url');
        bytes.writeUInt8((bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7)), bit >> 3);
        for (const other of [
          bytes.toString('base64url'),
          receipt.slice(1),
          `${receipt}=`,
          `${receipt}AAAA`,
          ` ${receipt}`,
        ]) {
          expect(readReceipt(key, other)).toBeUndefined();
        }
        expect(readReceipt(randomBytes(32), receipt)).toBeUndefined();
      }),
    );
  });

  it('is never read from arbitrary text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 256 }), (text) => {
        expect(readReceipt(key, text)).toBeUndefined();
      }),
    );
  });
});
