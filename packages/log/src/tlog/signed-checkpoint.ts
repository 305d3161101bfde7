import { formatCheckpoint, parseCheckpoint } from './checkpoint.ts';
import type { Checkpoint } from './checkpoint.ts';
import { cosign, verifyCosignature } from './cosignature.ts';
import type { NoteKey } from './note-key.ts';
import { formatNote, isSignatureOf, parseNote, signNote, verifyNoteSignature } from './note.ts';
import type { NoteSignature, NoteSigner } from './note.ts';

/** A checkpoint and the signatures on it. Parsed is not verified: see {@link verifyCheckpoint}. */
export interface SignedCheckpoint {
  readonly checkpoint: Checkpoint;
  readonly signatures: readonly NoteSignature[];
}

/** A signature that verified. Cosignatures have a timestamp, in POSIX seconds. */
export interface VerifiedSignature {
  readonly key: NoteKey;
  readonly timestamp?: number;
}

/**
 * `unknown_signers`: none of the keys has signed. `bad_signature`: a line that claims to be of one of the keys does not
 * verify, so the note is forged or damaged and nothing in it counts.
 */
export type CheckpointVerdict =
  | { readonly ok: true; readonly signatures: readonly VerifiedSignature[] }
  | { readonly ok: false; readonly reason: 'unknown_signers' | 'bad_signature' };

/** Signs a checkpoint with a key of any type. `timestamp` (POSIX seconds) is used by those that sign the time too. */
export function signCheckpoint(checkpoint: Checkpoint, timestamp: number, signer: NoteSigner): NoteSignature {
  return signer.key.type === 'ed25519'
    ? signNote(formatCheckpoint(checkpoint), signer)
    : cosign(checkpoint, timestamp, signer);
}

/** A signed checkpoint as it is served and sent. Throws RangeError for what no checkpoint or note can hold. */
export const formatSignedCheckpoint = (signed: SignedCheckpoint): string =>
  formatNote({ text: formatCheckpoint(signed.checkpoint), signatures: signed.signatures });

/** Reads a signed checkpoint. Throws TlogMalformed with a reason of parseNote or parseCheckpoint. */
export function parseSignedCheckpoint(input: Uint8Array | string): SignedCheckpoint {
  const { text, signatures } = parseNote(input);
  return { checkpoint: parseCheckpoint(text), signatures };
}

/**
 * Which of `keys` have signed the checkpoint, each once. Signatures of others are ignored, as c2sp.org/signed-note
 * demands; one that claims to be of a key and is not makes the whole checkpoint void.
 *
 * Whose checkpoint it is remains to be checked: compare `origin`.
 */
export function verifyCheckpoint(signed: SignedCheckpoint, keys: readonly NoteKey[]): CheckpointVerdict {
  const text = formatCheckpoint(signed.checkpoint);
  const verified: VerifiedSignature[] = [];
  for (const key of keys) {
    let found: VerifiedSignature | undefined;
    for (const signature of signed.signatures) {
      if (!isSignatureOf(signature, key)) continue;
      const one = verifyOne(signed.checkpoint, text, signature, key);
      if (one === undefined) return { ok: false, reason: 'bad_signature' };
      found = one;
    }
    if (found !== undefined) verified.push(found);
  }
  return verified.length === 0 ? { ok: false, reason: 'unknown_signers' } : { ok: true, signatures: verified };
}

function verifyOne(
  checkpoint: Checkpoint,
  text: string,
  signature: NoteSignature,
  key: NoteKey,
): VerifiedSignature | undefined {
  if (key.type === 'ed25519') return verifyNoteSignature(text, signature, key) ? { key } : undefined;
  const timestamp = verifyCosignature(checkpoint, signature, key);
  return timestamp === undefined ? undefined : { key, timestamp };
}
