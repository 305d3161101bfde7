import { verifyBytes } from '@macronode/keys';
import { formatCheckpoint } from './checkpoint.ts';
import type { Checkpoint } from './checkpoint.ts';
import { NOTE_KEY_TYPES, signatureBytes } from './note-key.ts';
import type { NoteKey } from './note-key.ts';
import { isSignatureOf } from './note.ts';
import type { NoteSignature, NoteSigner } from './note.ts';

const TIMESTAMP_BYTES = 8;

/**
 * Cosigns a checkpoint (c2sp.org/tlog-cosignature): a statement that, at `timestamp` (POSIX seconds), this was the
 * largest consistent tree the cosigner had seen of this log. Only who has checked that may call this.
 *
 * Throws RangeError for a timestamp that is not a whole number ≥ 0, and for a key that signs texts. ML-DSA-44 keys do
 * not sign the extension lines.
 */
export function cosign(checkpoint: Checkpoint, timestamp: number, signer: NoteSigner): NoteSignature {
  const signed = signer.sign(cosignedMessage(checkpoint, timestamp, signer.key));
  return { name: signer.key.name, keyId: signer.key.id, bytes: Buffer.concat([uint64(timestamp), signed]) };
}

/**
 * The timestamp of a cosignature of this key on this checkpoint; undefined when it is not one. Zero is what an ML-DSA-44
 * cosigner writes that does not say the tree was the largest it had seen.
 */
export function verifyCosignature(checkpoint: Checkpoint, signature: NoteSignature, key: NoteKey): number | undefined {
  if (key.type === 'ed25519' || !isSignatureOf(signature, key)) return undefined;
  const bytes = Buffer.from(signature.bytes);
  if (bytes.length !== TIMESTAMP_BYTES + signatureBytes(key.type)) return undefined;
  const timestamp = Number(bytes.readBigUInt64BE(0));
  // The specification allows up to 2^63 - 1; a time that far ahead is no time.
  if (!Number.isSafeInteger(timestamp)) return undefined;
  const message = cosignedMessage(checkpoint, timestamp, key);
  const { algorithm } = NOTE_KEY_TYPES[key.type];
  return verifyBytes(algorithm, key.publicKeyHex, message, bytes.subarray(TIMESTAMP_BYTES)) ? timestamp : undefined;
}

/** What is signed: two lines before the text of the checkpoint (Ed25519), or a `cosigned_message` (ML-DSA-44). */
export function cosignedMessage(checkpoint: Checkpoint, timestamp: number, key: NoteKey): Uint8Array {
  if (!Number.isSafeInteger(timestamp) || timestamp < 0) throw new RangeError('a timestamp is whole POSIX seconds');
  switch (key.type) {
    case 'ed25519':
      throw new RangeError('this type of key signs texts, not statements about checkpoints');
    case 'cosignature-ed25519':
      return Buffer.from(`cosignature/v1\ntime ${timestamp}\n${formatCheckpoint(checkpoint)}`);
    case 'cosignature-ml-dsa-44':
      return Buffer.concat([
        Buffer.from('subtree/v1\n\0'),
        shortBytes(key.name),
        uint64(timestamp),
        shortBytes(checkpoint.origin),
        // A checkpoint is the subtree that starts at the first leaf.
        uint64(0),
        uint64(checkpoint.size),
        checkpoint.root,
      ]);
  }
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/** `opaque <1..2^8-1>` of RFC 8446 section 3.4. Names and origins are checked for this length where they are made. */
function shortBytes(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
}
