import { type KeyObject, createPublicKey, verify } from 'node:crypto';

export type Algorithm = 'ed25519' | 'ml-dsa-44';

/** DER before a raw public key (RFC 8410, RFC 9881), and how long key and signature are. */
const ALGORITHMS: Readonly<Record<Algorithm, { readonly der: string; readonly key: number; readonly sig: number }>> = {
  ed25519: { der: '302a300506032b6570032100', key: 32, sig: 64 },
  'ml-dsa-44': { der: '30820532300b06096086480165030403110382052100', key: 1312, sig: 2420 },
};

export const isAlgorithm = (text: string): text is Algorithm => Object.hasOwn(ALGORITHMS, text);

/** A public key that was let in, imported once: that costs as much as verifying with it. */
export interface PublicKey {
  readonly algorithm: Algorithm;
  readonly hex: string;
  readonly imported: KeyObject;
}

/** The key, or what is wrong with it. */
export function admitKey(algorithm: Algorithm, hex: string): PublicKey | string {
  const { der, key } = ALGORITHMS[algorithm];
  if (!/^(?:[0-9a-f]{2})+$/.test(hex) || hex.length !== key * 2) return `not ${key} bytes in lower-case hex`;
  if (algorithm === 'ed25519') {
    const problem = weakness(hex);
    if (problem !== undefined) return problem;
  }
  try {
    const imported = createPublicKey({ key: Buffer.from(der + hex, 'hex'), format: 'der', type: 'spki' });
    return { algorithm, hex, imported };
  } catch {
    return 'not a public key';
  }
}

const P = 2n ** 255n - 19n;

/**
 * Why nobody may sign with this Ed25519 key. Points of order 1, 2 and 4 have y = ±1 or y = 0; a point of order 8
 * doubles to y = 0, so -x² = y², which with the equation of the curve is d·y⁴ + 2y² - 1 = 0, d = -121665/121666.
 */
function weakness(hex: string): string | undefined {
  const y = BigInt(`0x${Buffer.from(hex, 'hex').reverse().toString('hex')}`) & (2n ** 255n - 1n);
  if (y >= P) return 'not in its canonical encoding';
  const y2 = (y * y) % P;
  const order8 = 121_666n * (2n * y2 - 1n) - 121_665n * y2 * y2;
  return (y * (y2 - 1n) * order8) % P === 0n ? 'a point of small order' : undefined;
}

/** The bytes of a signature in base64, when it is spelled in the one way and has the length of its algorithm. */
function signatureBytes(algorithm: Algorithm, base64: string): Buffer | undefined {
  const bytes = Buffer.from(base64, 'base64');
  return bytes.toString('base64') === base64 && bytes.length === ALGORITHMS[algorithm].sig ? bytes : undefined;
}

export const isSignedBytes = (key: PublicKey, message: Uint8Array, signature: Uint8Array): boolean =>
  signature.length === ALGORITHMS[key.algorithm].sig && verify(null, message, key.imported, signature);

/** Whether the signature is the key's over the message: on another thread, as many at once as there are. */
export function isSigned(key: PublicKey, message: Uint8Array, base64: string): Promise<boolean> {
  const signature = signatureBytes(key.algorithm, base64);
  if (signature === undefined) return Promise.resolve(false);
  return new Promise((resolve, reject) => {
    verify(null, message, key.imported, signature, (error, ok) => {
      if (error === null) resolve(ok);
      else reject(error);
    });
  });
}
