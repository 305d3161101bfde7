import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StrictJsonError, parseStrictJson } from './strict-json.ts';
import type { StrictJsonReason } from './strict-json.ts';

const refused = (reason: StrictJsonReason) => expect.objectContaining({ name: 'StrictJsonError', reason });

/** JSON text of a value with random white space and escapes, so that the scan sees every spelling. */
function spell(value: unknown, random: () => number): string {
  const gap = () => ['', '', ' ', '\n', '\t\r '][random() % 5] ?? '';
  const text = (s: string) =>
    random() % 3 === 0
      ? `"${Array.from({ length: s.length }, (_, i) => `\\u${s.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')}"`
      : JSON.stringify(s);
  if (Array.isArray(value)) return `[${gap()}${value.map((item) => spell(item, random) + gap()).join(`,${gap()}`)}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).map(([k, v]) => `${text(k)}${gap()}:${gap()}${spell(v, random)}`);
    return `{${gap()}${members.join(`${gap()},${gap()}`)}${gap()}}`;
  }
  return typeof value === 'string' ? text(value) : JSON.stringify(value);
}

const seeded = (seed: number) => {
  let state = seed >>> 0;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) >>> 8;
};

describe('parseStrictJson', () => {
  it('reads what JSON.parse reads when nothing is wrong with it', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary', maxDepth: 5 }), fc.nat(), (value, seed) => {
        const text = spell(value, seeded(seed));
        expect(parseStrictJson(text)).toStrictEqual(JSON.parse(text));
        expect(parseStrictJson(Buffer.from(text))).toStrictEqual(JSON.parse(text));
      }),
      { numRuns: 300 },
    );
  });

  it('refuses every text JSON.parse refuses', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[]",:\\0-1.eEtrunfalse '.split('')) }), (text) => {
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        if (!valid) expect(() => parseStrictJson(text)).toThrow(refused('syntax'));
      }),
      { numRuns: 500 },
    );
  });

  it('refuses a duplicate key at any depth and in any spelling', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(20), fc.nat(), fc.jsonValue({ maxDepth: 2 }), (key, depth, seed, other) => {
        const random = seeded(seed);
        const spellKey = () => spell(key, random);
        let text = `{${spellKey()}:${spell(other, random)}, ${spellKey()} :2}`;
        for (let i = 0; i < depth; i += 1) text = random() % 2 === 0 ? `[1,${text}]` : `{"k":${text},"l":"}"}`;
        expect(() => parseStrictJson(text)).toThrow(refused('duplicate_key'));
      }),
      { numRuns: 300 },
    );
  });

  it('lets the same key stand in different objects', () => {
    expect(parseStrictJson('{"a":{"a":1},"b":[{"a":1},{"a":2},"a","a"]}')).toEqual({
      a: { a: 1 },
      b: [{ a: 1 }, { a: 2 }, 'a', 'a'],
    });
  });

  it.each<[string, string | Uint8Array, StrictJsonReason]>([
    ['an escaped lone surrogate', '["\\ud800"]', 'encoding'],
    ['an escaped lone surrogate in a key', '{"\\uDC00":1}', 'encoding'],
    ['a raw lone surrogate', '"\ud800"', 'encoding'],
    ['overlong UTF-8', Uint8Array.of(0x22, 0xc0, 0xaf, 0x22), 'encoding'],
    ['a surrogate in UTF-8', Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22), 'encoding'],
    ['a byte order mark', Uint8Array.of(0xef, 0xbb, 0xbf, 0x31), 'syntax'],
    ['nothing', '', 'syntax'],
    ['two values', '1 2', 'syntax'],
    ['a number that overflows', '{"a":-1e999}', 'number'],
    ['a trailing comma', '[1,]', 'syntax'],
  ])('refuses %s', (_, input, reason) => {
    expect(() => parseStrictJson(input)).toThrow(refused(reason));
  });

  it('bounds the depth, and lets the bound itself pass', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(parseStrictJson(nested(32))).toBeInstanceOf(Array);
    expect(() => parseStrictJson(nested(33))).toThrow(refused('depth'));
    expect(() => parseStrictJson(nested(3), { maxDepth: 2 })).toThrow(refused('depth'));
    expect(() => parseStrictJson(nested(200_000))).toThrow(StrictJsonError);
  });

  it('keeps __proto__ an ordinary key', () => {
    const value = parseStrictJson('{"__proto__":{"admin":true}}') as { admin?: boolean };
    expect(value.admin).toBeUndefined();
    expect(Object.keys(value)).toEqual(['__proto__']);
    expect(() => parseStrictJson('{"__proto__":1,"__proto__":2}')).toThrow(refused('duplicate_key'));
  });
});
