import { describe, expect, it } from 'vitest';
import { admitPublicKey } from './admission.ts';
import type { KeyRefusedReason } from './admission.ts';
import { signedBytes, verifyBytes } from './signature.ts';
import { generateKey } from './signing-key.ts';

const refused = (reason: KeyRefusedReason) => expect.objectContaining({ name: 'KeyRefused', reason });
const p = 2n ** 255n - 19n;
const d = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;

const mod = (n: bigint): bigint => ((n % p) + p) % p;

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let b = mod(base), e = exponent; e > 0n; e >>= 1n, b = mod(b * b)) if (e & 1n) result = mod(result * b);
  return result;
}

function encode(y: bigint, sign: bigint): string {
  const digits = (y | (sign << 255n)).toString(16).padStart(64, '0');
  return Buffer.from(digits, 'hex').reverse().toString('hex');
}

/** The y of all points of order 1, 2, 4 and 8, from the curve equation: the list in the code is not its own witness. */
function smallOrderY(): bigint[] {
  // A point of order 8 doubles to one with y = 0, which asks for x² = -y²; with the curve: d·y⁴ + 2·y² - 1 = 0.
  const root = squareRoot(mod(1n + d));
  const candidates = [mod(-1n + root), mod(-1n - root)].map((t) => mod(t * power(d, p - 2n)));
  const eighth = candidates.filter(isSquare).map(squareRoot);
  return [1n, p - 1n, 0n, ...eighth.flatMap((y) => [y, p - y])];
}

const isSquare = (n: bigint): boolean => power(n, (p - 1n) / 2n) === 1n;

function squareRoot(n: bigint): bigint {
  const root = power(n, (p + 3n) / 8n);
  return mod(root * root) === n ? root : mod(root * power(2n, (p - 1n) / 4n));
}

describe('admitPublicKey', () => {
  it('lets real keys in', () => {
    for (let i = 0; i < 20; i += 1) admitPublicKey('ed25519', generateKey('ed25519').publicKeyHex);
    admitPublicKey('ml-dsa-44', generateKey('ml-dsa-44').publicKeyHex);
  });

  it('refuses every point of small order, in every encoding it has', () => {
    const ys = smallOrderY();
    expect(ys).toHaveLength(5);
    const encodings = ys.flatMap((y) =>
      [y, y + p].filter((n) => n < 2n ** 255n).flatMap((n) => [encode(n, 0n), encode(n, 1n)]),
    );
    expect(new Set(encodings).size).toBe(14);
    for (const hex of encodings) {
      expect(() => admitPublicKey('ed25519', hex)).toThrow(/small order|canonical/);
      expect(verifyBytes('ed25519', hex, signedBytes('x\n', ''), new Uint8Array(64))).toBe(false);
    }
  });

  it('refuses a y that is not reduced', () => {
    for (let n = p; n < 2n ** 255n; n += 1n) {
      expect(() => admitPublicKey('ed25519', encode(n, 0n))).toThrow(refused('non_canonical'));
      expect(() => admitPublicKey('ed25519', encode(n, 1n))).toThrow(refused('non_canonical'));
    }
    admitPublicKey('ed25519', encode(p - 2n, 0n));
  });

  it('refuses another length and another spelling', () => {
    const { publicKeyHex } = generateKey('ed25519');
    expect(() => admitPublicKey('ed25519', publicKeyHex.slice(2))).toThrow(refused('length'));
    expect(() => admitPublicKey('ml-dsa-44', publicKeyHex)).toThrow(refused('length'));
    for (const bad of ['', publicKeyHex.slice(1), `${publicKeyHex}\n`, publicKeyHex.replace(/^./, 'G')]) {
      expect(() => admitPublicKey('ed25519', bad)).toThrow(refused('format'));
    }
    expect(() => admitPublicKey('ed25519', 'AB'.repeat(32))).toThrow(refused('format'));
  });
});
