import { createPublicKey, verify as cryptoVerify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { KeyRefused, admitPublicKey } from './admission.ts';
import { ALGORITHMS } from './algorithm.ts';
import type { Algorithm } from './algorithm.ts';

/**
 * What is signed: the domain, then the message. A domain is one line and ends in its only newline, so that no domain
 * begins another and a signature made for one purpose verifies for no other. Throws RangeError for any other domain.
 */
export function signedBytes(domain: string, message: Uint8Array | string): Buffer {
  if (domain.length < 2 || domain.indexOf('\n') !== domain.length - 1) {
    throw new RangeError('a signature domain is one line that ends in a newline');
  }
  return Buffer.concat([Buffer.from(domain), typeof message === 'string' ? Buffer.from(message) : message]);
}

/**
 * Whether `signature` (base64, RFC 4648 section 4, padded) is one of `publicKeyHex` over the domain and the message.
 * False, never an exception, for a malformed signature or a key {@link admitPublicKey} refuses.
 */
export function verify(
  algorithm: Algorithm,
  publicKeyHex: string,
  domain: string,
  message: Uint8Array | string,
  signature: string,
): boolean {
  const bytes = Buffer.from(signature, 'base64');
  // Node skips what is not base64: a signature that does not come back the same has more than one spelling.
  if (bytes.toString('base64') !== signature) return false;
  return verifyBytes(algorithm, publicKeyHex, signedBytes(domain, message), bytes);
}

/** {@link verify} without domain and base64: for formats that bring their own, and for published vectors. */
export function verifyBytes(
  algorithm: Algorithm,
  publicKeyHex: string,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (signature.length !== ALGORITHMS[algorithm].signatureBytes) return false;
  const key = importedKey(algorithm, publicKeyHex);
  return key !== undefined && cryptoVerify(null, message, key, signature);
}

/** Keys kept imported: importing one costs as much as verifying with it. Bounded; the oldest import goes first. */
const IMPORTED_KEYS_MAX = 1_024;
const imported = new Map<string, KeyObject>();

function importedKey(algorithm: Algorithm, publicKeyHex: string): KeyObject | undefined {
  // The lengths of the algorithms' keys differ, so the key alone names both.
  const known = imported.get(publicKeyHex);
  if (known !== undefined && publicKeyHex.length === ALGORITHMS[algorithm].publicKeyBytes * 2) return known;
  try {
    admitPublicKey(algorithm, publicKeyHex);
  } catch (error) {
    if (error instanceof KeyRefused) return undefined;
    throw error;
  }
  const der = Buffer.concat([ALGORITHMS[algorithm].spkiPrefix, Buffer.from(publicKeyHex, 'hex')]);
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  if (imported.size >= IMPORTED_KEYS_MAX) {
    for (const oldest of imported.keys()) {
      imported.delete(oldest);
      break;
    }
  }
  imported.set(publicKeyHex, key);
  return key;
}
