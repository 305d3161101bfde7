import { verifyBytes } from '@macronode/keys';
import { formatBase64, parseBase64, textOf } from './line-fields.ts';
import { TlogMalformed } from './malformed.ts';
import { isKeyName } from './note-key.ts';
import type { NoteKey } from './note-key.ts';

/**
 * Bytes of the largest signed note read here: {@link NOTE_SIGNATURES_MAX} ML-DSA-44 cosignatures, 3.3 KB a line, and
 * room for the text.
 */
export const NOTE_BYTES_MAX = 262_144;

/** The most signatures of a note read here; c2sp.org/signed-note asks for 16 at least. */
export const NOTE_SIGNATURES_MAX = 64;

/** A signature line: who claims to have signed, and the bytes, whose meaning depends on the type of the key. */
export interface NoteSignature {
  readonly name: string;
  readonly keyId: number;
  readonly bytes: Uint8Array;
}

/** A signed note (c2sp.org/signed-note). The text ends in a newline. Parsed is not verified. */
export interface Note {
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** A key that signs: `sign` gives the bare signature of the message, under the private half of `key`. */
export interface NoteSigner {
  readonly key: NoteKey;
  sign(message: Uint8Array): Uint8Array;
}

/** Signs a text. Throws RangeError for a text that cannot stand in a note, or a key of another type. */
export function signNote(text: string, signer: NoteSigner): NoteSignature {
  if (signer.key.type !== 'ed25519') throw new RangeError('this type of key signs checkpoints, not texts');
  if (!isNoteText(text)) throw new RangeError('a note is lines of text without control characters');
  return { name: signer.key.name, keyId: signer.key.id, bytes: signer.sign(Buffer.from(text)) };
}

/** Whether an `ed25519` key signed this text. False for keys of other types: what they sign is not a text. */
export function verifyNoteSignature(text: string, signature: NoteSignature, key: NoteKey): boolean {
  return (
    key.type === 'ed25519' &&
    isSignatureOf(signature, key) &&
    verifyBytes('ed25519', key.publicKeyHex, Buffer.from(text), signature.bytes)
  );
}

/** Whether a signature line claims to be of this key: name and ID together, never one of them. */
export const isSignatureOf = (signature: NoteSignature, key: NoteKey): boolean =>
  signature.name === key.name && signature.keyId === key.id;

/** A note in its one spelling. Throws RangeError for a text or a number of signatures no note has. */
export function formatNote(note: Note): string {
  if (!isNoteText(note.text)) throw new RangeError('a note is lines of text without control characters');
  return `${note.text}\n${formatSignatureLines(note.signatures)}`;
}

/** Signature lines on their own, as a witness answers. Throws RangeError for none, too many, or a name with spaces. */
export function formatSignatureLines(signatures: readonly NoteSignature[]): string {
  if (signatures.length < 1 || signatures.length > NOTE_SIGNATURES_MAX) {
    throw new RangeError(`a note has 1 to ${NOTE_SIGNATURES_MAX} signatures`);
  }
  return signatures.map(formatSignatureLine).join('');
}

/**
 * Reads a signed note. Only its form is checked: nothing in it is to be believed before a signature is verified.
 * Throws {@link TlogMalformed}: `too_large`, `encoding`, `note_text`, `signature_count`, `signature_line`.
 */
export function parseNote(input: Uint8Array | string): Note {
  const whole = textOf(input, NOTE_BYTES_MAX);
  // The text may have empty lines of its own: the last one divides.
  const divide = whole.lastIndexOf('\n\n');
  if (divide < 0) throw new TlogMalformed('note_text', 'no empty line before signatures');
  const text = whole.slice(0, divide + 1);
  if (!isNoteText(text)) throw new TlogMalformed('note_text', 'a control character');
  return { text, signatures: parseSignatureLines(whole.slice(divide + 2)) };
}

/**
 * Reads signature lines on their own, as a witness answers them.
 * Throws {@link TlogMalformed}: `too_large`, `encoding`, `signature_count`, `signature_line`.
 */
export function parseSignatureLines(input: Uint8Array | string): NoteSignature[] {
  const text = textOf(input, NOTE_BYTES_MAX);
  if (!text.endsWith('\n')) throw new TlogMalformed('signature_line', 'the last line has no end');
  // One more than allowed is enough to know.
  const lines = text.slice(0, -1).split('\n', NOTE_SIGNATURES_MAX + 1);
  if (lines.length > NOTE_SIGNATURES_MAX) {
    throw new TlogMalformed('signature_count', `over ${NOTE_SIGNATURES_MAX} signatures`);
  }
  return lines.map(parseSignatureLine);
}

/** The note with these signatures too. One by a key that has already signed replaces the older one. */
export function addSignatures(note: Note, added: readonly NoteSignature[]): Note {
  const signatures = [...note.signatures, ...added];
  const isLast = (signature: NoteSignature, at: number): boolean =>
    !signatures.some((later, index) => index > at && later.name === signature.name && later.keyId === signature.keyId);
  return { text: note.text, signatures: signatures.filter(isLast) };
}

const KEY_ID_BYTES = 4;

function formatSignatureLine(signature: NoteSignature): string {
  if (!isKeyName(signature.name)) throw new RangeError('a key name has no spaces, no plus and no control characters');
  if (signature.bytes.length === 0) throw new RangeError('a signature has at least one byte');
  const id = Buffer.alloc(KEY_ID_BYTES);
  id.writeUInt32BE(signature.keyId);
  return `\u2014 ${signature.name} ${formatBase64(Buffer.concat([id, signature.bytes]))}\n`;
}

const SIGNATURE_LINE = /^\u2014 (?<name>[^ ]+) (?<signature>[A-Za-z0-9+/]+={0,2})$/u;

function parseSignatureLine(line: string): NoteSignature {
  const groups = SIGNATURE_LINE.exec(line)?.groups;
  const name = groups?.['name'] ?? '';
  const signed = parseBase64(groups?.['signature'] ?? '');
  if (!isKeyName(name)) throw new TlogMalformed('signature_line', 'not of the form of a signature line');
  if (signed === undefined || signed.length <= KEY_ID_BYTES) {
    throw new TlogMalformed('signature_line', 'the signature is not base64, or has no bytes');
  }
  const keyId = Buffer.from(signed.subarray(0, KEY_ID_BYTES)).readUInt32BE(0);
  return { name, keyId, bytes: signed.subarray(KEY_ID_BYTES) };
}

const CONTROL = /[\u0000-\u0009\u000b-\u001f]/;

const isNoteText = (text: string): boolean => text.endsWith('\n') && text.isWellFormed() && !CONTROL.test(text);
