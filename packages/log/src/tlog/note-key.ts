import { hash } from 'node:crypto';
import { ALGORITHMS, KeyRefused, admitPublicKey } from '@macronode/keys';
import type { Algorithm } from '@macronode/keys';
import { formatBase64, parseBase64 } from './line-fields.ts';
import { TlogMalformed } from './malformed.ts';

/**
 * What a key signs: the text of a note (`ed25519`, c2sp.org/signed-note), or the timestamped statements about
 * checkpoints of c2sp.org/tlog-cosignature.
 */
export type NoteKeyType = 'ed25519' | 'cosignature-ed25519' | 'cosignature-ml-dsa-44';

interface NoteKeyTypeFacts {
  /** The signature type identifier byte of c2sp.org/signed-note. */
  readonly byte: number;
  readonly algorithm: Algorithm;
}

export const NOTE_KEY_TYPES: Readonly<Record<NoteKeyType, NoteKeyTypeFacts>> = Object.freeze({
  ed25519: { byte: 0x01, algorithm: 'ed25519' },
  'cosignature-ed25519': { byte: 0x04, algorithm: 'ed25519' },
  'cosignature-ml-dsa-44': { byte: 0x06, algorithm: 'ml-dsa-44' },
});

/** A public key that signs notes, under a name. Make one with {@link noteKey} or {@link parseVkey}. */
export interface NoteKey {
  readonly name: string;
  readonly type: NoteKeyType;
  /** The raw public key in lower-case hex. */
  readonly publicKeyHex: string;
  /** The uint32 that stands, with the name, for the key in a signature line. It is no fingerprint: keys can collide. */
  readonly id: number;
}

/** Bytes of the longest key name: a cosigned message gives its length one byte. */
const KEY_NAME_BYTES_MAX = 255;

// U+0000 to U+001F may not stand in a note at all.
const NOT_IN_A_NAME = /[\p{White_Space}+\u0000-\u001f]/u;

/** Whether a signature line may name this key: not empty, no Unicode space and no plus (c2sp.org/signed-note). */
export const isKeyName = (name: string): boolean => name !== '' && name.isWellFormed() && !NOT_IN_A_NAME.test(name);

/** The key ID of c2sp.org/signed-note: the first four bytes of SHA-256(name ‖ 0x0A ‖ type ‖ public key). */
export function keyId(name: string, type: NoteKeyType, publicKeyHex: string): number {
  const id = hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), keyMaterial(type, publicKeyHex)]), 'buffer');
  return id.readUInt32BE(0);
}

/** Names a public key. Throws RangeError for a name no signature line can hold, and KeyRefused for a weak key. */
export function noteKey(name: string, type: NoteKeyType, publicKeyHex: string): NoteKey {
  if (!isKeyName(name)) throw new RangeError('a key name has no spaces, no plus and no control characters');
  if (Buffer.byteLength(name) > KEY_NAME_BYTES_MAX)
    throw new RangeError(`over ${KEY_NAME_BYTES_MAX} bytes of key name`);
  admitPublicKey(NOTE_KEY_TYPES[type].algorithm, publicKeyHex);
  return { name, type, publicKeyHex, id: keyId(name, type, publicKeyHex) };
}

/** The text form of a key, `<name>+<key ID>+<base64 of type and public key>`: how keys are handed out. */
export const formatVkey = (key: NoteKey): string =>
  `${key.name}+${formatKeyId(key.id)}+${formatBase64(keyMaterial(key.type, key.publicKeyHex))}`;

// A base64 text may hold plus signs: only the first two separate.
const VKEY = /^(?<name>[^+]+)\+(?<id>[0-9a-f]{8})\+(?<material>[A-Za-z0-9+/]+={0,2})$/u;

/** Over this many characters no text is a vkey of the types known here. */
const VKEY_CHARACTERS_MAX = 2_048;

/**
 * The key of a vkey. Throws {@link TlogMalformed} (`vkey`) for anything else: another spelling, a type not in
 * {@link NOTE_KEY_TYPES}, a weak key, or an ID that is not the key's, which is how a mistyped name or key shows.
 */
export function parseVkey(vkey: string): NoteKey {
  const groups = vkey.length > VKEY_CHARACTERS_MAX ? undefined : VKEY.exec(vkey)?.groups;
  const name = groups?.['name'];
  const material = parseBase64(groups?.['material'] ?? '');
  if (name === undefined || material === undefined) throw new TlogMalformed('vkey', 'not of the form of a vkey');
  const type = typeOfByte(material[0]);
  if (type === undefined) throw new TlogMalformed('vkey', 'the key type is not known');
  let key: NoteKey;
  try {
    key = noteKey(name, type, Buffer.from(material.subarray(1)).toString('hex'));
  } catch (cause) {
    if (!(cause instanceof RangeError || cause instanceof KeyRefused)) throw cause;
    throw new TlogMalformed('vkey', 'the name or the public key is refused', { cause });
  }
  if (formatKeyId(key.id) !== groups?.['id']) throw new TlogMalformed('vkey', 'the key ID is of another key');
  return key;
}

/** Bytes of a bare signature of this type of key. */
export const signatureBytes = (type: NoteKeyType): number => ALGORITHMS[NOTE_KEY_TYPES[type].algorithm].signatureBytes;

const formatKeyId = (id: number): string => id.toString(16).padStart(8, '0');

const keyMaterial = (type: NoteKeyType, publicKeyHex: string): Buffer =>
  Buffer.concat([Buffer.of(NOTE_KEY_TYPES[type].byte), Buffer.from(publicKeyHex, 'hex')]);

function typeOfByte(byte: number | undefined): NoteKeyType | undefined {
  const types = Object.keys(NOTE_KEY_TYPES) as NoteKeyType[];
  return types.find((type) => NOTE_KEY_TYPES[type].byte === byte);
}
