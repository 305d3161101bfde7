import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCheckpoint, parseCheckpoint } from './checkpoint.ts';
import type { TlogMalformedReason } from './malformed.ts';

/** The example of c2sp.org/tlog-checkpoint. */
const SPEC_TEXT = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n';
const ROOT = 'CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=';

describe('the text of a checkpoint', () => {
  it('is that of the specification', () => {
    const checkpoint = parseCheckpoint(SPEC_TEXT);
    expect(checkpoint).toEqual({
      origin: 'example.com/behind-the-sofa',
      size: 20_852_163,
      root: Buffer.from(ROOT, 'base64'),
      extensions: [],
    });
    expect(formatCheckpoint(checkpoint)).toBe(SPEC_TEXT);
  });

  it('comes back the same', () => {
    const line = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
      .filter((text) => !/[\u0000-\u001f]/.test(text));
    const checkpoints = fc.record({
      origin: line.filter((origin) => Buffer.byteLength(origin) <= 255),
      size: fc.maxSafeNat(),
      root: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      extensions: fc.array(line, { maxLength: 4 }),
    });
    fc.assert(
      fc.property(checkpoints, (checkpoint) => {
        const text = formatCheckpoint(checkpoint);
        const read = parseCheckpoint(text);
        expect({ ...read, root: [...read.root] }).toEqual({ ...checkpoint, root: [...checkpoint.root] });
        expect(formatCheckpoint(read)).toBe(text);
      }),
    );
  });

  it.each<[string, string, TlogMalformedReason]>([
    ['nothing', '', 'checkpoint_lines'],
    ['one line', 'a\n', 'checkpoint_lines'],
    ['two lines', 'a\n1\n', 'checkpoint_lines'],
    ['an open last line', SPEC_TEXT.slice(0, -1), 'checkpoint_lines'],
    ['an empty extension line', `${SPEC_TEXT}\n`, 'checkpoint_lines'],
    ['an empty line among extensions', `${SPEC_TEXT}a\n\nb\n`, 'checkpoint_lines'],
    ['a control character in an extension', `${SPEC_TEXT}a\tb\n`, 'checkpoint_lines'],
    ['no origin', `\n1\n${ROOT}\n`, 'origin'],
    ['an origin of 256 bytes', `${'a'.repeat(256)}\n1\n${ROOT}\n`, 'origin'],
    ['a control character in the origin', `a\rb\n1\n${ROOT}\n`, 'origin'],
    ['no size', `a\n\n${ROOT}\n`, 'tree_size'],
    ['a leading zero', `a\n01\n${ROOT}\n`, 'tree_size'],
    ['two zeros', `a\n00\n${ROOT}\n`, 'tree_size'],
    ['a sign', `a\n+1\n${ROOT}\n`, 'tree_size'],
    ['a minus', `a\n-1\n${ROOT}\n`, 'tree_size'],
    ['an exponent', `a\n1e3\n${ROOT}\n`, 'tree_size'],
    ['a hexadecimal size', `a\n0x1\n${ROOT}\n`, 'tree_size'],
    ['space before the size', `a\n 1\n${ROOT}\n`, 'tree_size'],
    ['other digits', `a\n١\n${ROOT}\n`, 'tree_size'],
    ['a size over 2^53 - 1', `a\n9007199254740992\n${ROOT}\n`, 'tree_size'],
    ['a size over 2^63 - 1', `a\n9223372036854775808\n${ROOT}\n`, 'tree_size'],
    ['a short root', `a\n1\n${Buffer.alloc(31).toString('base64')}\n`, 'root_hash'],
    ['a long root', `a\n1\n${Buffer.alloc(33).toString('base64')}\n`, 'root_hash'],
    ['a root without padding', `a\n1\n${ROOT.slice(0, -1)}\n`, 'root_hash'],
    ['a root with spare bits', `a\n1\n${ROOT.replace('2I=', '2J=')}\n`, 'root_hash'],
    ['a root in base64url', `a\n1\n${ROOT.replace('/', '_')}\n`, 'root_hash'],
    ['a root and a space', `a\n1\n${ROOT} \n`, 'root_hash'],
  ])('with %s is refused', (_, text, reason) => {
    expect(() => parseCheckpoint(text)).toThrow(expect.objectContaining({ name: 'TlogMalformed', reason }));
  });

  it('is not written from what could not be read', () => {
    const good = parseCheckpoint(SPEC_TEXT);
    for (const bad of [
      { ...good, origin: '' },
      { ...good, origin: 'a\nb' },
      { ...good, origin: 'é'.repeat(128) },
      { ...good, origin: '\ud800' },
      { ...good, size: -1 },
      { ...good, size: 2 ** 53 },
      { ...good, size: 0.5 },
      { ...good, root: Buffer.alloc(31) },
      { ...good, extensions: [''] },
      { ...good, extensions: ['a\nb'] },
    ]) {
      expect(() => formatCheckpoint(bad)).toThrow(RangeError);
    }
  });
});
