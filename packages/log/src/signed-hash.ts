import { canonicalJson, hashBytes } from '@macronode/content';
import type { ContentIdString } from '@macronode/content';
import { type SigningKey, verify } from '@macronode/keys';
import type { SignatureAlgorithm } from '@macronode/contracts';

/** The `b3:` hash of the canonical form (RFC 8785) of a value. Throws CanonicalJsonError for what has none. */
export const canonicalHash = (value: unknown): ContentIdString => hashBytes(Buffer.from(canonicalJson(value)));

/** What is signed under a domain: the hash and a newline. */
const messageOf = (hash: string): string => `${hash}\n`;

/** The signature of `hash` under `domain`, base64. */
export const signHash = (key: SigningKey, domain: string, hash: string): string => key.sign(domain, messageOf(hash));

/** Whether `sig` is one of the key over `hash` under `domain`. False for every malformed input. */
export const verifyHash = (
  key: { readonly algo: SignatureAlgorithm; readonly public_key: string },
  domain: string,
  hash: string,
  sig: string,
): boolean => verify(key.algo, key.public_key, domain, messageOf(hash), sig);
