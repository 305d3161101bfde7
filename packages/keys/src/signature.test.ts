import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Algorithm } from './algorithm.ts';
import { signedBytes, verify } from './signature.ts';
import { generateKey } from './signing-key.ts';

describe.each<Algorithm>(['ed25519', 'ml-dsa-44'])('%s signatures', (algorithm) => {
  const key = generateKey(algorithm);

  it('verify for their key, domain and message, and for no other', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(), (message, at) => {
        const sig = key.sign('test:a\n', message);
        expect(verify(algorithm, key.publicKeyHex, 'test:a\n', message, sig)).toBe(true);
        expect(verify(algorithm, key.publicKeyHex, 'test:b\n', message, sig)).toBe(false);
        expect(verify(algorithm, key.publicKeyHex, 'test:a\n', Buffer.concat([message, Buffer.of(0)]), sig)).toBe(
          false,
        );
        const raw = Buffer.from(sig, 'base64');
        const index = at % raw.length;
        raw.writeUInt8((raw[index] ?? 0) ^ (1 << (at % 8)), index);
        expect(verify(algorithm, key.publicKeyHex, 'test:a\n', message, raw.toString('base64'))).toBe(false);
      }),
      { numRuns: 30 },
    );
    expect(verify(algorithm, generateKey(algorithm).publicKeyHex, 'test:a\n', 'm', key.sign('test:a\n', 'm'))).toBe(
      false,
    );
  });

  it('have one spelling', () => {
    const sig = key.sign('test:a\n', 'm');
    const others = [
      '',
      sig.replace(/=+$/, ''),
      `${sig}\n`,
      ` ${sig}`,
      Buffer.from(sig, 'base64').toString('base64url'),
    ];
    for (const other of others.filter((text) => text !== sig)) {
      expect(verify(algorithm, key.publicKeyHex, 'test:a\n', 'm', other)).toBe(false);
    }
  });

  it('do not verify under a key of the wrong algorithm or no key at all', () => {
    const sig = key.sign('test:a\n', 'm');
    const other: Algorithm = algorithm === 'ed25519' ? 'ml-dsa-44' : 'ed25519';
    expect(verify(other, key.publicKeyHex, 'test:a\n', 'm', sig)).toBe(false);
    for (const bad of ['', 'zz', key.publicKeyHex.toUpperCase()]) {
      expect(verify(algorithm, bad, 'test:a\n', 'm', sig)).toBe(false);
    }
  });
});

describe('a signature domain', () => {
  it('is one line, so that none begins another', () => {
    for (const bad of ['', '\n', 'no newline', 'two\nlines\n', 'early\nend']) {
      expect(() => signedBytes(bad, 'm')).toThrow(RangeError);
    }
    expect(signedBytes('d\n', 'm').toString()).toBe('d\nm');
    expect(signedBytes('d\n', Buffer.from('m')).toString()).toBe('d\nm');
  });
});

describe('verify', () => {
  it('stays right when more keys are seen than are kept', () => {
    const keys = Array.from({ length: 1_100 }, () => generateKey('ed25519'));
    for (const round of [1, 2]) {
      for (const key of keys) {
        const sig = key.sign('test:a\n', String(round));
        expect(verify('ed25519', key.publicKeyHex, 'test:a\n', String(round), sig)).toBe(true);
      }
    }
  });
});
