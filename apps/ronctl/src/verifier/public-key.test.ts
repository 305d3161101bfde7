import { describe, expect, test } from 'vitest';
import { generateKey } from '@macronode/keys';
import { admitKey, isSigned } from './public-key.ts';

const hex = (y: bigint, sign = 0n): string =>
  Buffer.from((y | (sign << 255n)).toString(16).padStart(64, '0'), 'hex')
    .reverse()
    .toString('hex');
const P = 2n ** 255n - 19n;
/** The order-8 points, as everybody lists them. */
const ORDER_8 = [
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
];

describe('a public key', () => {
  test('is let in, and verifies what its private half signed', async () => {
    for (const algorithm of ['ed25519', 'ml-dsa-44'] as const) {
      const signer = generateKey(algorithm);
      const key = admitKey(algorithm, signer.publicKeyHex);
      if (typeof key === 'string') throw new Error(key);
      const sig = signer.sign('test\n', 'm');
      expect(await isSigned(key, Buffer.from('test\nm'), sig)).toBe(true);
      expect(await isSigned(key, Buffer.from('test\nn'), sig)).toBe(false);
      expect(await isSigned(key, Buffer.from('test\nm'), sig.replace(/=+$/, ''))).toBe(false);
      expect(await isSigned(key, Buffer.from('test\nm'), 'AAAA')).toBe(false);
    }
  });

  test.each([0n, 1n, P - 1n])('of small order is refused: y = %i', (y) => {
    expect(admitKey('ed25519', hex(y))).toMatch(/small order/);
    expect(admitKey('ed25519', hex(y, 1n))).toMatch(/small order/);
  });

  test.each(ORDER_8)('of order 8 is refused: %s', (point) => {
    expect(admitKey('ed25519', point)).toMatch(/small order/);
    expect(
      admitKey('ed25519', point.slice(0, -2) + (parseInt(point.slice(-2), 16) ^ 0x80).toString(16).padStart(2, '0')),
    ).toMatch(/small order/);
  });

  test.each([P, P + 1n, 2n ** 255n - 1n])('that is not reduced is refused: y = %i', (y) => {
    expect(admitKey('ed25519', hex(y))).toMatch(/canonical/);
  });

  test('of another length, or spelled otherwise, is refused', () => {
    expect(admitKey('ed25519', 'AB'.repeat(32))).toMatch(/lower-case hex/);
    expect(admitKey('ml-dsa-44', 'ab'.repeat(32))).toMatch(/1312 bytes/);
  });
});
