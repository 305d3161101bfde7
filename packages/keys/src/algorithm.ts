/** The signature algorithms of the house: Ed25519 (RFC 8032) and ML-DSA-44 (FIPS 204), both as node:crypto has them. */
export type Algorithm = 'ed25519' | 'ml-dsa-44';

interface AlgorithmFacts {
  /** Bytes of a raw public key. */
  readonly publicKeyBytes: number;
  /** Bytes of a signature. */
  readonly signatureBytes: number;
  /** DER that turns a raw public key into a SubjectPublicKeyInfo when put before it (RFC 8410, RFC 9881). */
  readonly spkiPrefix: Buffer;
}

export const ALGORITHMS: Readonly<Record<Algorithm, AlgorithmFacts>> = Object.freeze({
  ed25519: { publicKeyBytes: 32, signatureBytes: 64, spkiPrefix: Buffer.from('302a300506032b6570032100', 'hex') },
  'ml-dsa-44': {
    publicKeyBytes: 1312,
    signatureBytes: 2420,
    spkiPrefix: Buffer.from('30820532300b06096086480165030403110382052100', 'hex'),
  },
});
