import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headerText, namesTag, parseEntityTags } from './entity-tags.ts';

describe('entity tags', () => {
  it.each([
    ['*', '*'],
    [' * ', '*'],
    ['"a"', [{ weak: false, tag: 'a' }]],
    ['W/"a"', [{ weak: true, tag: 'a' }]],
    ['""', [{ weak: false, tag: '' }]],
    [
      '"a", W/"b" ,"c,d"',
      [
        { weak: false, tag: 'a' },
        { weak: true, tag: 'b' },
        { weak: false, tag: 'c,d' },
      ],
    ],
    // Empty elements count for nothing (RFC 9110, 5.6.1.2).
    [',"a"', [{ weak: false, tag: 'a' }]],
    [
      '"a",\t, "b", ',
      [
        { weak: false, tag: 'a' },
        { weak: false, tag: 'b' },
      ],
    ],
  ])('reads %s', (header, tags) => {
    expect(parseEntityTags(header)).toEqual(tags);
  });

  it.each(['', ' ', 'a', '"a', 'a"', 'w/"a"', '"a" "b"', '*, "a"', '"a b"', '"a"x', ',', ', ,', ',a'])(
    'refuses %j',
    (header) => {
      expect(parseEntityTags(header)).toBeUndefined();
    },
  );

  it('reads back whatever list it is given', () => {
    const tag = fc.record({ weak: fc.boolean(), tag: fc.stringMatching(/^[\x21\x23-\x7e]{0,9}$/) });
    fc.assert(
      fc.property(fc.array(tag, { minLength: 1, maxLength: 5 }), (tags) => {
        const header = tags.map((each) => `${each.weak ? 'W/' : ''}"${each.tag}"`).join(' , ');
        expect(parseEntityTags(header)).toEqual(tags);
      }),
    );
  });

  it('are compared weakly for If-None-Match', () => {
    expect(namesTag('W/"a"', 'a')).toBe(true);
    expect(namesTag('"b", "a"', 'a')).toBe(true);
    expect(namesTag('*', 'a')).toBe(true);
    for (const header of [undefined, '"b"', 'a', '']) expect(namesTag(header, 'a'), header).toBe(false);
  });
});

describe('a condition header', () => {
  it('is joined when it was sent twice, and refused when it is longer than any honest one', () => {
    expect(headerText({ 'if-none-match': ['"a"', '"b"'] }, 'if-none-match')).toBe('"a", "b"');
    expect(headerText({}, 'if-none-match')).toBeUndefined();
    expect(() => headerText({ 'if-match': 'a'.repeat(1_025) }, 'if-match')).toThrow(/if-match/);
  });
});
