import { canonicalJson, hashBytes } from '@macronode/content';
import { NAME_RECORD_DOMAIN, ServiceError } from '@macronode/contracts';
import type { NameClaim, NameRecord } from '@macronode/contracts';
import { KeyRefused, admitPublicKey, verify } from '@macronode/keys';

/** Signs with the key whose public half it names. */
export interface RecordSigner {
  readonly publicKeyHex: string;
  sign(domain: string, message: string): string;
}

/** The text behind the domain in a record's signature: the hash of the canonical claim, and a newline. */
const claimDigest = (claim: NameClaim): string => `${hashBytes(Buffer.from(canonicalJson(claim)))}\n`;

/** A record as it is stored and tagged: its RFC 8785 form. */
export const canonicalRecord = (record: NameRecord): string => canonicalJson(record);

/** The entity tag of a canonical record, without quotes. */
export const entityTag = (canonical: string): string => hashBytes(Buffer.from(canonical));

export function signClaim(claim: NameClaim, signer: RecordSigner): NameRecord {
  return { record: claim, sig: signer.sign(NAME_RECORD_DOMAIN, claimDigest(claim)) };
}

/** @throws ServiceError `bad_signature`, with the reason `key` when the owner key itself is refused. */
export function verifyRecord({ record, sig }: NameRecord): void {
  try {
    admitPublicKey('ed25519', record.owner);
  } catch (cause) {
    if (!(cause instanceof KeyRefused)) throw cause;
    throw new ServiceError('bad_signature', `The owner key is refused: ${cause.reason}.`, { reason: 'key', cause });
  }
  if (!verify('ed25519', record.owner, NAME_RECORD_DOMAIN, claimDigest(record), sig)) {
    throw new ServiceError('bad_signature', undefined, { reason: 'signature' });
  }
}

export const isExpired = (claim: NameClaim, nowMs: number): boolean => Date.parse(claim.not_after) <= nowMs;
