import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Name, NameClaim, NamePutBody, NameTarget } from './name.ts';
import { ContentId } from './object.ts';

const ID = `b3:${'0'.repeat(64)}`;

describe('Name', () => {
  it.each(['a', '0', '_', '-', 'a.b', 'www.example-1_x.org', 'x'.repeat(128), `${'x'.repeat(126)}.${'y'.repeat(126)}`])(
    'takes %s',
    (name) => {
      expect(Name.safeParse(name).success).toBe(true);
    },
  );

  it.each([
    ['empty', ''],
    ['a dot alone', '.'],
    ['a leading dot', '.a'],
    ['a trailing dot', 'a.'],
    ['an empty label', 'a..b'],
    ['upper case', 'Example'],
    ['a space', 'a b'],
    ['a slash', 'a/b'],
    ['a colon', 'a:b'],
    ['a percent sign', 'a%2e'],
    ['a letter beyond ASCII', 'bücher'],
    ['a look-alike letter', 'а'],
    ['a zero-width character', 'a\u200bb'],
    ['a line end', 'a\n'],
    ['a NUL', 'a\0'],
    ['a label of 129', 'x'.repeat(129)],
    ['254 characters', `${'x'.repeat(126)}.${'y'.repeat(127)}`],
    ['a number', 7],
    ['null', null],
  ])('refuses %s', (_what, name) => {
    expect(Name.safeParse(name).success).toBe(false);
  });

  it('agrees with the rule spelled out', () => {
    const alphabet = fc.constantFrom('a', 'z', '0', '9', '_', '-', '.', 'A', ' ', '/');
    fc.assert(
      fc.property(fc.string({ unit: alphabet, maxLength: 12 }), (name) => {
        const rule = name.split('.').every((label) => label !== '' && /^[a-z0-9_-]*$/.test(label));
        expect(Name.safeParse(name).success).toBe(rule);
      }),
    );
  });
});

describe('ContentId', () => {
  it.each([
    ['no prefix', '0'.repeat(64)],
    ['another prefix', `b2:${'0'.repeat(64)}`],
    ['upper-case hex', `b3:${'A'.repeat(64)}`],
    ['an upper-case prefix', `B3:${'0'.repeat(64)}`],
    ['63 digits', `b3:${'0'.repeat(63)}`],
    ['65 digits', `b3:${'0'.repeat(65)}`],
    ['a digit that is none', `b3:${'0'.repeat(63)}g`],
    ['a line end', `${ID}\n`],
    ['quotes', `"${ID}"`],
    ['a space before', ` ${ID}`],
    ['empty', ''],
    ['an object', {}],
  ])('refuses %s', (_what, id) => {
    expect(ContentId.safeParse(id).success).toBe(false);
  });

  it('takes 64 lower-case hex digits', () => {
    expect(ContentId.parse(ID)).toBe(ID);
  });
});

describe('NamePutBody', () => {
  const claim = {
    v: 1,
    name: 'a',
    seq: 1,
    target: ID,
    ttl_s: 60,
    owner: '0'.repeat(64),
    not_after: '2030-01-01T00:00:00Z',
  };

  it('is a signed record or a target, never a mix', () => {
    expect(NamePutBody.safeParse({ record: claim, sig: 'AAAA' }).success).toBe(true);
    expect(NamePutBody.safeParse({ target: ID }).success).toBe(true);
    expect(NamePutBody.safeParse({ target: ID, sig: 'AAAA' }).success).toBe(false);
    expect(NamePutBody.safeParse({ record: claim, sig: 'AAAA', target: ID }).success).toBe(false);
    expect(NameTarget.safeParse({ target: ID, extra: 1 }).success).toBe(false);
  });

  it.each([
    ['another version', { v: 2 }],
    ['sequence 0', { seq: 0 }],
    ['a fraction', { seq: 1.5 }],
    ['a sequence beyond 2^53', { seq: 2 ** 53 }],
    ['a negative ttl', { ttl_s: -1 }],
    ['a ttl above 48 hours', { ttl_s: 172_801 }],
    ['an owner that is short', { owner: '00' }],
    ['a local time', { not_after: '2030-01-01T00:00:00' }],
    ['an unknown field', { extra: true }],
    ['a bad target', { target: 'b3:00' }],
  ])('refuses %s', (_what, change) => {
    expect(NameClaim.safeParse({ ...claim, ...change }).success).toBe(false);
  });
});
