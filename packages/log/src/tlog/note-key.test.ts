import { KeyRefused } from '@macronode/keys';
import { describe, expect, it } from 'vitest';
import { formatVkey, keyId, noteKey, parseVkey } from './note-key.ts';
import type { NoteKeyType } from './note-key.ts';
import {
  ED25519_LOG_VKEY,
  ED25519_WITNESS_VKEY,
  GO_VKEY,
  ML_DSA_WITNESS_VKEY,
  SPEC_VKEY,
} from './published-fixture.ts';
import { signerNamed } from './signer-fixture.ts';

const SPEC_PUBLIC_KEY = 'e932791ae6e7a840a46164c904786426d5e7821dd8b29a00d61cae72afdd4da4';

/** The vkey of these bytes with the ID that fits, so that a case is refused only for what it is about. */
function vkeyOf(name: string, type: NoteKeyType, material: Buffer): string {
  const id = keyId(name, type, material.subarray(1).toString('hex')).toString(16).padStart(8, '0');
  return `${name}+${id}+${material.toString('base64')}`;
}

describe('a vkey', () => {
  it.each<[string, NoteKeyType, string]>([
    ['the example of the specification', 'ed25519', SPEC_VKEY],
    ['the example of the first implementation', 'ed25519', GO_VKEY],
    ['a public log', 'ed25519', ED25519_LOG_VKEY],
    ['a public witness', 'cosignature-ed25519', ED25519_WITNESS_VKEY],
    ['a public witness after quantum computers', 'cosignature-ml-dsa-44', ML_DSA_WITNESS_VKEY],
  ])('of %s is read and written', (_, type, vkey) => {
    const key = parseVkey(vkey);
    expect(key.type).toBe(type);
    expect(formatVkey(key)).toBe(vkey);
    expect(noteKey(key.name, type, key.publicKeyHex)).toEqual(key);
  });

  it('of the specification has the key the specification says', () => {
    expect(parseVkey(SPEC_VKEY)).toEqual({
      name: 'example.com/foo',
      type: 'ed25519',
      publicKeyHex: SPEC_PUBLIC_KEY,
      id: 0x530d903a,
    });
  });

  it.each<NoteKeyType>(['ed25519', 'cosignature-ed25519', 'cosignature-ml-dsa-44'])('of type %s comes back', (type) => {
    const { key } = signerNamed('example.com/log', type);
    expect(parseVkey(formatVkey(key))).toEqual(key);
  });

  const [, id, material] = SPEC_VKEY.split('+') as [string, string, string];
  const raw = Buffer.from(material, 'base64');
  it.each([
    ['empty', ''],
    ['a name only', 'example.com/foo'],
    ['without key', `example.com/foo+${id}`],
    ['with an empty key', `example.com/foo+${id}+`],
    ['without name', `+${id}+${material}`],
    ['with a space in the name', vkeyOf('example.com foo', 'ed25519', raw)],
    ['with a no-break space in the name', vkeyOf('example.com\u00a0foo', 'ed25519', raw)],
    ['with a next-line character in the name', vkeyOf('example.com\u0085foo', 'ed25519', raw)],
    ['with a newline in the name', vkeyOf('example.com\nfoo', 'ed25519', raw)],
    ['with a name of 256 bytes', vkeyOf('n'.repeat(256), 'ed25519', raw)],
    ['of a name it was not made for', SPEC_VKEY.replace('foo', 'fox')],
    ['with the ID in upper case', SPEC_VKEY.replace(id, id.toUpperCase())],
    ['with a short ID', SPEC_VKEY.replace(id, id.slice(1))],
    ['with a long ID', SPEC_VKEY.replace(id, `00${id}`)],
    ['with another ID', SPEC_VKEY.replace(id, '530d903b')],
    ['with space after it', `${SPEC_VKEY} `],
    ['with a newline after it', `${SPEC_VKEY}\n`],
    ['with base64 of another spelling', vkeyOf('a', 'ed25519', raw).replace(/.$/, (last) => `${last}=`)],
    [
      'in base64url',
      vkeyOf('a', 'cosignature-ml-dsa-44', Buffer.alloc(1_313, 0xfb).fill(6, 0, 1)).replaceAll('/', '_'),
    ],
    ['cut short', vkeyOf('a', 'ed25519', raw.subarray(0, 32))],
    ['one byte long', vkeyOf('a', 'ed25519', Buffer.concat([raw, Buffer.of(0)]))],
    ['of an unknown type', vkeyOf('a', 'ed25519', Buffer.concat([Buffer.of(2), raw.subarray(1)]))],
    [
      'of a type of another length',
      vkeyOf('a', 'cosignature-ml-dsa-44', Buffer.concat([Buffer.of(6), raw.subarray(1)])),
    ],
    ['of a key that verifies anything', vkeyOf('a', 'ed25519', Buffer.from([1, 1, ...Array<number>(31).fill(0)]))],
    ['far too long', `a+00000000+${'A'.repeat(100_000)}`],
  ])('%s is refused', (_, vkey) => {
    expect(() => parseVkey(vkey)).toThrow(expect.objectContaining({ name: 'TlogMalformed', reason: 'vkey' }));
  });

  it('has an ID that also tells the types of one key apart', () => {
    const ids = (['ed25519', 'cosignature-ed25519'] as const).map((type) => keyId('a', type, SPEC_PUBLIC_KEY));
    expect(ids[0]).not.toBe(ids[1]);
  });
});

describe('a note key', () => {
  it('has a name that fits a signature line', () => {
    for (const bad of ['', 'a b', 'a+b', 'a\tb', 'a\u2003b', 'a\u0000', '\ud800', 'é'.repeat(128)]) {
      expect(() => noteKey(bad, 'ed25519', SPEC_PUBLIC_KEY)).toThrow(RangeError);
    }
    expect(noteKey('é'.repeat(127), 'ed25519', SPEC_PUBLIC_KEY).name).toHaveLength(127);
  });

  it('is not weak', () => {
    expect(() => noteKey('a', 'ed25519', `01${'00'.repeat(31)}`)).toThrow(KeyRefused);
    expect(() => noteKey('a', 'ed25519', SPEC_PUBLIC_KEY.toUpperCase())).toThrow(KeyRefused);
  });
});
