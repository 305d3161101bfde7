import { sha256 } from './hashes.ts';
import { type Algorithm, type PublicKey, admitKey, isSignedBytes } from './public-key.ts';
import { VerificationFailed } from './verification-failed.ts';

/** What a key signs, by the type byte of its vkey (C2SP signed-note): the text itself, or a statement with a time. */
const KEY_TYPES: Readonly<Record<number, { readonly algorithm: Algorithm; readonly timed: boolean }>> = {
  0x01: { algorithm: 'ed25519', timed: false },
  0x04: { algorithm: 'ed25519', timed: true },
  0x06: { algorithm: 'ml-dsa-44', timed: true },
};

/** Before a signature with a time: its seconds. */
const TIME_BYTES = 8;
/** The last second a Date can tell. */
const SECONDS_MAX = 8_640_000_000_000;

/** A key that signs checkpoints. */
export interface NoteKey {
  readonly name: string;
  readonly id: string;
  readonly key: PublicKey;
  readonly timed: boolean;
}

/** Reads `<name>+<id>+<base64 of type and key>`. Throws a plain Error that says what is wrong: a vkey comes from people. */
export function readVkey(vkey: string): NoteKey {
  const [, name = '', id = '', base64 = ''] = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/.exec(vkey) ?? [];
  const material = Buffer.from(base64, 'base64');
  const type = KEY_TYPES[material[0] ?? 0];
  if (name === '' || type === undefined) throw new Error('not a verifier key: <name>+<id>+<base64> of a known type');
  if (
    sha256(Buffer.from(`${name}\n`), material)
      .subarray(0, 4)
      .toString('hex') !== id
  ) {
    throw new Error('the id of the verifier key is not that of its name and key: is it complete?');
  }
  const key = admitKey(type.algorithm, material.subarray(1).toString('hex'));
  if (typeof key === 'string') throw new Error(`the key of ${name} is ${key}`);
  return { name, id, key, timed: type.timed };
}

interface SignatureLine {
  readonly name: string;
  readonly id: string;
  readonly bytes: Buffer;
}

/** A checkpoint (C2SP tlog-checkpoint) with the signatures under it. Nothing in it is to be believed yet. */
export interface Checkpoint {
  readonly text: string;
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
  readonly signatures: readonly SignatureLine[];
}

export function readCheckpoint(note: string): Checkpoint {
  const fail = (problem: string): never => {
    throw new VerificationFailed('checkpoint', `the checkpoint is malformed: ${problem}`);
  };
  const divide = note.lastIndexOf('\n\n');
  const text = note.slice(0, divide + 1);
  const [origin = '', sizeLine = '', rootLine = ''] = text.split('\n');
  const root = Buffer.from(rootLine, 'base64');
  if (divide < 0 || origin === '') fail('there are no signatures under it');
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(sizeLine)) fail('its size is not a number');
  if (root.length !== 32 || root.toString('base64') !== rootLine) fail('its root is not a hash');
  const lines = note.slice(divide + 2).split('\n');
  if (lines.pop() !== '') fail('its last line has no end');
  const signatures = lines.map((line) => {
    const [, name = '', base64 = ''] = /^\u2014 ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/.exec(line) ?? [];
    const bytes = Buffer.from(base64, 'base64');
    if (bytes.length < 5) fail('a line is not a signature');
    return { name, id: bytes.subarray(0, 4).toString('hex'), bytes: bytes.subarray(4) };
  });
  return { text, origin, size: Number(sizeLine), root, signatures };
}

/** Who signed, and when a statement with a time was made. */
export interface Signed {
  readonly name: string;
  readonly seconds?: number;
}

/** Verifies every line that claims to be of this key. Undefined when there is none; throws when one does not verify. */
export function signatureOf(checkpoint: Checkpoint, noteKey: NoteKey): Signed | undefined {
  const lines = checkpoint.signatures.filter(({ name, id }) => name === noteKey.name && id === noteKey.id);
  let signed: Signed | undefined;
  const fail = (problem: string): never => {
    throw new VerificationFailed('checkpoint', `the signature of ${noteKey.name} on the checkpoint ${problem}`);
  };
  for (const { bytes } of lines) {
    if (noteKey.timed && bytes.length < TIME_BYTES) fail('has no time');
    const seconds = noteKey.timed ? Number(bytes.readBigUInt64BE()) : undefined;
    if (seconds !== undefined && seconds > SECONDS_MAX) fail('is of a time that is none');
    const signature = noteKey.timed ? bytes.subarray(TIME_BYTES) : bytes;
    if (!isSignedBytes(noteKey.key, signedMessage(checkpoint, noteKey, seconds), signature)) fail('does not verify');
    signed = { name: noteKey.name, ...(seconds === undefined ? {} : { seconds }) };
  }
  return signed;
}

function signedMessage(checkpoint: Checkpoint, { name, key }: NoteKey, seconds: number | undefined): Buffer {
  if (seconds === undefined) return Buffer.from(checkpoint.text);
  if (key.algorithm === 'ed25519') return Buffer.from(`cosignature/v1\ntime ${seconds}\n${checkpoint.text}`);
  // C2SP tlog-cosignature, cosigned_message: the checkpoint is the subtree from leaf 0.
  const short = (text: string): Buffer => Buffer.concat([Buffer.of(Buffer.byteLength(text)), Buffer.from(text)]);
  const numbers = Buffer.alloc(24);
  numbers.writeBigUInt64BE(BigInt(seconds), 0);
  numbers.writeBigUInt64BE(BigInt(checkpoint.size), 16);
  return Buffer.concat([
    Buffer.from('subtree/v1\n\0'),
    short(name),
    numbers.subarray(0, 8),
    short(checkpoint.origin),
    numbers.subarray(8),
    checkpoint.root,
  ]);
}
