import { createPublicKey, generateKeyPairSync, sign as cryptoSign } from 'node:crypto';
import type { JsonWebKey, KeyObject } from 'node:crypto';
import { ALGORITHMS } from './algorithm.ts';
import type { Algorithm } from './algorithm.ts';
import { signedBytes } from './signature.ts';

/** A private key that signs. The key itself stays in node:crypto: nothing here prints or copies it. */
export class SigningKey {
  readonly algorithm: Algorithm;
  /** The raw public key in lower-case hex: 64 digits for Ed25519, 2,624 for ML-DSA-44. */
  readonly publicKeyHex: string;
  readonly #privateKey: KeyObject;

  /** Throws TypeError when `privateKey` is not of `algorithm`. */
  constructor(algorithm: Algorithm, privateKey: KeyObject) {
    // The types of node:crypto may lag behind the algorithms it has, so this compares text.
    const type: string | undefined = privateKey.asymmetricKeyType;
    if (privateKey.type !== 'private' || type !== algorithm) throw new TypeError(`not a private key of ${algorithm}`);
    this.algorithm = algorithm;
    this.#privateKey = privateKey;
    const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
    this.publicKeyHex = spki.subarray(ALGORITHMS[algorithm].spkiPrefix.length).toString('hex');
  }

  /** The signature of the domain and the message, base64. Throws RangeError for a domain that is not one line. */
  sign(domain: string, message: Uint8Array | string): string {
    return cryptoSign(null, signedBytes(domain, message), this.#privateKey).toString('base64');
  }

  /** The private key itself, in the forms node:crypto exports. Secret. */
  protected toJwk(): JsonWebKey {
    return this.#privateKey.export({ format: 'jwk' });
  }

  /** PKCS #8 and SPKI in one PEM text: the form of a key file. Secret. */
  protected toPem(): string {
    const secret = this.#privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    return secret + createPublicKey(this.#privateKey).export({ type: 'spki', format: 'pem' }).toString();
  }
}

/** A fresh private key, kept in memory only. */
export function generateKey(algorithm: Algorithm): SigningKey {
  return new SigningKey(algorithm, newPrivateKey(algorithm));
}

export function newPrivateKey(algorithm: Algorithm): KeyObject {
  return algorithm === 'ed25519'
    ? generateKeyPairSync('ed25519').privateKey
    : generateKeyPairSync('ml-dsa-44').privateKey;
}
