import { createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto';
import { canonicalJson, hashBytes } from '@macronode/content';
import { NAME_RECORD_DOMAIN, type NameClaim, type NameRecord } from '@macronode/contracts';

/** DER head of an Ed25519 public key; the 32 raw bytes follow (RFC 8410). */
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');
const HOUR_MS = 3_600_000;

const signedMessage = (claim: NameClaim): Buffer =>
  Buffer.from(`${NAME_RECORD_DOMAIN}${hashBytes(Buffer.from(canonicalJson(claim)))}\n`);

/** The owner of names, with keys made here and not by the node: what a client library would do. */
export class Owner {
  readonly publicKeyHex: string;
  readonly #privateKey: KeyObject;

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    this.publicKeyHex = publicKey.export({ format: 'der', type: 'spki' }).subarray(SPKI_HEAD.length).toString('hex');
    this.#privateKey = privateKey;
  }

  claim(name: string, seq: number, target: string, changed: Partial<NameClaim> = {}): NameClaim {
    return {
      v: 1,
      name,
      seq,
      target,
      ttl_s: 60,
      owner: this.publicKeyHex,
      not_after: new Date(Date.now() + HOUR_MS).toISOString(),
      ...changed,
    };
  }

  sign(claim: NameClaim): NameRecord {
    return { record: claim, sig: sign(null, signedMessage(claim), this.#privateKey).toString('base64') };
  }

  record(name: string, seq: number, target: string, changed: Partial<NameClaim> = {}): NameRecord {
    return this.sign(this.claim(name, seq, target, changed));
  }
}

/** True when the signature of a record is its owner's. */
export function isSigned({ record, sig }: NameRecord): boolean {
  const key = createPublicKey({
    key: Buffer.concat([SPKI_HEAD, Buffer.from(record.owner, 'hex')]),
    format: 'der',
    type: 'spki',
  });
  return verify(null, signedMessage(record), key, Buffer.from(sig, 'base64'));
}
