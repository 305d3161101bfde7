import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { ALGORITHMS } from '@macronode/keys';
import { NOTE_KEY_TYPES, noteKey } from './note-key.ts';
import type { NoteKeyType } from './note-key.ts';
import type { NoteSigner } from './note.ts';

/** A signer of a fresh key. */
export function signerNamed(name: string, type: NoteKeyType): NoteSigner {
  const { algorithm } = NOTE_KEY_TYPES[type];
  const { privateKey } = algorithm === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ml-dsa-44');
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const publicKeyHex = spki.subarray(ALGORITHMS[algorithm].spkiPrefix.length).toString('hex');
  return { key: noteKey(name, type, publicKeyHex), sign: (message) => sign(null, message, privateKey) };
}
