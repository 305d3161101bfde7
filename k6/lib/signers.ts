import { b64decode, b64encode } from 'k6/encoding';
import { randomBytes, sha512 } from 'k6/crypto';
import { hashes, sign } from '@noble/ed25519';
import { blake3 } from '@noble/hashes/blake3.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { LogSigner, LogSigners } from '../flows/user.ts';

/** What `npm run load` writes for a node of its own; scripts/rig/registry-signers.ts has the same shape. */
interface SignersFile {
  readonly log: string;
  readonly m: number;
  readonly keys: readonly { readonly signer_id: string; readonly algo: string; readonly pkcs8: string }[];
}

/** PKCS #8 of Ed25519 is 16 bytes of its own, then the 32 of the secret key (RFC 8410). */
const PKCS8_HEAD = 16;
const NONCE_BYTES = 16;

/** The typed arrays of k6 are made of no text. */
const ascii = (text: string): Uint8Array => Uint8Array.from({ length: text.length }, (_, at) => text.charCodeAt(at));
const exact = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer;

// The crypto.subtle of k6 knows no Ed25519: the curve is JavaScript, its hash is k6's own.
hashes.sha512 = (message) => new Uint8Array(sha512(exact(message), 'binary'));

/** The signers of a file. k6 signs with Ed25519; a file with other keys is refused. Three milliseconds a signature. */
export function logSigners(file: string): LogSigners {
  const { log, m, keys } = JSON.parse(open(file)) as SignersFile;
  const other = keys.find(({ algo }) => algo !== 'ed25519');
  if (other !== undefined) throw new Error(`${other.signer_id} signs with ${other.algo}: k6 has Ed25519 only`);
  const members = keys.map(({ signer_id: id, algo, pkcs8 }): LogSigner => {
    const secret = new Uint8Array(b64decode(pkcs8)).slice(PKCS8_HEAD);
    return { id, algo, sign: (message) => b64encode(exact(sign(ascii(message), secret))) };
  });
  return {
    log,
    m,
    members,
    hash: (text) => `b3:${bytesToHex(blake3(ascii(text)))}`,
    nonce: () => bytesToHex(new Uint8Array(randomBytes(NONCE_BYTES))),
  };
}
