import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TlogMalformedReason } from './malformed.ts';
import { parseVkey } from './note-key.ts';
import {
  NOTE_BYTES_MAX,
  NOTE_SIGNATURES_MAX,
  addSignatures,
  formatNote,
  formatSignatureLines,
  parseNote,
  parseSignatureLines,
  signNote,
  verifyNoteSignature,
} from './note.ts';
import type { NoteSignature } from './note.ts';
import { ED25519_CHECKPOINT, GO_NOTE, GO_VKEY, ML_DSA_CHECKPOINT, SPEC_NOTE, SPEC_VKEY } from './published-fixture.ts';
import { signerNamed } from './signer-fixture.ts';

const malformed = (...reason: TlogMalformedReason[]): unknown =>
  expect.objectContaining({ name: 'TlogMalformed', reason: expect.toBeOneOf(reason) as unknown });

/** Notes with empty lines, em dashes and whatever else a text may have. */
const text = () =>
  fc
    .string({
      unit: fc.oneof(fc.string({ unit: 'grapheme', maxLength: 3 }), fc.constantFrom('\n', '\u2014 ', ' ', 'a')),
    })
    .map((lines) => `${lines.replaceAll(/[\u0000-\u0009\u000b-\u001f]/g, '')}\n`);

const signature = () =>
  fc.record({
    name: fc.constantFrom('example.com/log', 'witness.example/w1', 'é'),
    keyId: fc.nat(0xffff_ffff),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 80 }),
  });

const plain = (signatures: readonly NoteSignature[]): unknown[] =>
  signatures.map(({ name, keyId, bytes }) => [name, keyId, Buffer.from(bytes).toString('hex')]);

describe('published notes', () => {
  it.each([
    ['the specification', SPEC_NOTE, SPEC_VKEY],
    ['the first implementation', GO_NOTE, GO_VKEY],
  ])('of %s are read, verified and written', (_, note, vkey) => {
    const parsed = parseNote(note);
    expect(parsed.signatures).toHaveLength(1);
    expect(verifyNoteSignature(parsed.text, parsed.signatures[0]!, parseVkey(vkey))).toBe(true);
    expect(verifyNoteSignature(`${parsed.text}\n`, parsed.signatures[0]!, parseVkey(vkey))).toBe(false);
    expect(formatNote(parsed)).toBe(note);
  });

  it('with signatures of unknown kinds are read and written', () => {
    for (const note of [ED25519_CHECKPOINT, ML_DSA_CHECKPOINT]) {
      expect(formatNote(parseNote(Buffer.from(note)))).toBe(note);
    }
  });
});

describe('a signed note', () => {
  const signer = signerNamed('example.com/log', 'ed25519');

  it('comes back from its text', () => {
    fc.assert(
      fc.property(text(), fc.array(signature(), { minLength: 1, maxLength: 20 }), (body, signatures) => {
        const written = formatNote({ text: body, signatures });
        const read = parseNote(Buffer.from(written));
        expect(read.text).toBe(body);
        expect(plain(read.signatures)).toEqual(plain(signatures));
        expect(formatNote(read)).toBe(written);
      }),
    );
  });

  it('is verified with its key only, and not once a bit of text or signature is another', () => {
    const other = signerNamed('example.com/log', 'ed25519');
    const renamed = { ...signer.key, name: 'example.com/gol' };
    const retyped = { ...signer.key, type: 'cosignature-ed25519' } as const;
    fc.assert(
      fc.property(text(), fc.nat(), (body, at) => {
        const signed = signNote(body, signer);
        expect(verifyNoteSignature(body, signed, signer.key)).toBe(true);
        for (const key of [other.key, renamed, retyped]) expect(verifyNoteSignature(body, signed, key)).toBe(false);
        expect(verifyNoteSignature(`${body}a\n`, signed, signer.key)).toBe(false);
        const bytes = Buffer.from(signed.bytes);
        bytes.writeUInt8((bytes[at % 64] ?? 0) ^ (1 << (at % 8)), at % 64);
        expect(verifyNoteSignature(body, { ...signed, bytes }, signer.key)).toBe(false);
        expect(verifyNoteSignature(body, { ...signed, bytes: bytes.subarray(1) }, signer.key)).toBe(false);
      }),
      { numRuns: 40 },
    );
  });

  const line = '\u2014 a AAAAAAA=\n';
  it.each<[string, string | Uint8Array, TlogMalformedReason]>([
    ['nothing', '', 'note_text'],
    ['text only', 'text\n', 'note_text'],
    ['no empty line', `text\n${line}`, 'note_text'],
    ['no newline before the empty line', `\n${line}`, 'note_text'],
    ['no signatures', 'text\n\n', 'signature_line'],
    ['two empty lines', `text\n\n${line}\n`, 'signature_line'],
    ['an open last line', `text\n\n${line.slice(0, -1)}`, 'signature_line'],
    ['a carriage return', `text\r\n\n${line}`, 'note_text'],
    ['a tab', `te\txt\n\n${line}`, 'note_text'],
    ['a zero byte', `te\0xt\n\n${line}`, 'note_text'],
    ['a carriage return after a signature', `text\n\n${line.replace('\n', '\r\n')}`, 'signature_line'],
    ['a hyphen for the dash', `text\n\n${line.replace('\u2014', '-')}`, 'signature_line'],
    ['an en dash for the dash', `text\n\n${line.replace('\u2014', '\u2013')}`, 'signature_line'],
    ['two spaces', `text\n\n\u2014  a AAAAAAA=\n`, 'signature_line'],
    ['no name', 'text\n\n\u2014 AAAAAAA=\n', 'signature_line'],
    ['a plus in the name', 'text\n\n\u2014 a+b AAAAAAA=\n', 'signature_line'],
    ['a no-break space in the name', 'text\n\n\u2014 a\u00a0b AAAAAAA=\n', 'signature_line'],
    ['space after the signature', 'text\n\n\u2014 a AAAAAAA= \n', 'signature_line'],
    ['no signature', 'text\n\n\u2014 a \n', 'signature_line'],
    ['a signature of no bytes', 'text\n\n\u2014 a AAAAAA==\n', 'signature_line'],
    ['base64 without padding', 'text\n\n\u2014 a AAAAAAA\n', 'signature_line'],
    ['base64 with spare bits', 'text\n\n\u2014 a AAAAAAB=\n', 'signature_line'],
    ['base64url', 'text\n\n\u2014 a AAAA__8=\n', 'signature_line'],
    ['text after the signatures', `text\n\n${line}more\n`, 'signature_line'],
    ['too many signatures', `text\n\n${line.repeat(NOTE_SIGNATURES_MAX + 1)}`, 'signature_count'],
    ['too many bytes', `${'a'.repeat(NOTE_BYTES_MAX)}\n\n${line}`, 'too_large'],
    ['too many bytes of few characters', `${'é'.repeat(NOTE_BYTES_MAX / 2)}\n\n${line}`, 'too_large'],
    ['bytes that are not UTF-8', Buffer.concat([Buffer.of(0xff), Buffer.from(`\n\n${line}`)]), 'encoding'],
    ['a lone surrogate', `\ud800\n\n${line}`, 'encoding'],
  ])('with %s is refused', (_, note, reason) => {
    expect(() => parseNote(note)).toThrow(malformed(reason));
  });

  it('may begin with a byte order mark: it is signed as it is', () => {
    const note = `\ufefftext\n\n${line}`;
    expect(parseNote(Buffer.from(note)).text).toBe('\ufefftext\n');
  });

  it('of random bytes is refused with a reason, never otherwise', () => {
    const parts = fc.constantFrom('\n', '\n\n', '\u2014 ', 'a', ' ', 'AAAAAAA=', '\n\u2014 a AAAAAAA=\n', '\0');
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 12 }), (given) => {
        const whole = given.join('');
        try {
          expect(formatNote(parseNote(whole))).toBe(whole);
        } catch (error) {
          expect(error).toEqual(malformed('note_text', 'signature_line', 'signature_count'));
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('is not written from what could not be read', () => {
    const good = { name: 'a', keyId: 1, bytes: Buffer.of(1) };
    for (const body of ['', 'open', 'a\tb\n', '\ud800\n']) {
      expect(() => formatNote({ text: body, signatures: [good] })).toThrow(RangeError);
      expect(() => signNote(body, signer)).toThrow(RangeError);
    }
    expect(() => formatNote({ text: 'a\n', signatures: [] })).toThrow(RangeError);
    expect(() => formatSignatureLines(Array<NoteSignature>(NOTE_SIGNATURES_MAX + 1).fill(good))).toThrow(RangeError);
    for (const bad of [
      { ...good, name: 'a b' },
      { ...good, name: '' },
      { ...good, bytes: Buffer.alloc(0) },
      { ...good, keyId: -1 },
      { ...good, keyId: 2 ** 32 },
    ]) {
      expect(() => formatSignatureLines([bad])).toThrow(RangeError);
    }
    expect(() => signNote('a\n', signerNamed('a', 'cosignature-ed25519'))).toThrow(RangeError);
  });
});

describe('signature lines', () => {
  it('are read and written without a note around them, as a witness answers', () => {
    const lines = ED25519_CHECKPOINT.slice(ED25519_CHECKPOINT.indexOf('\u2014'));
    expect(parseSignatureLines(Buffer.from(lines))).toEqual(parseNote(ED25519_CHECKPOINT).signatures);
    expect(formatSignatureLines(parseSignatureLines(lines))).toBe(lines);
    for (const bad of ['', '\n', `${lines}\n`, `\n${lines}`, lines.slice(0, -1)]) {
      expect(() => parseSignatureLines(bad)).toThrow(malformed('signature_line'));
    }
  });

  it('are added after the others, and replace the older one of the same key', () => {
    const one = { name: 'a', keyId: 1, bytes: Buffer.of(1) };
    const two = { name: 'a', keyId: 2, bytes: Buffer.of(2) };
    const three = { name: 'b', keyId: 1, bytes: Buffer.of(3) };
    const renewed = { ...one, bytes: Buffer.of(4) };
    const note = addSignatures({ text: 'a\n', signatures: [one] }, [two, three]);
    expect(note.signatures).toEqual([one, two, three]);
    expect(addSignatures(note, [renewed])).toEqual({ text: 'a\n', signatures: [two, three, renewed] });
    expect(addSignatures(note, []).signatures).toEqual(note.signatures);
  });
});
