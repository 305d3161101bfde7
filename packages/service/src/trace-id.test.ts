import { ulid } from 'ulid';
import { describe, expect, it } from 'vitest';
import { acceptCorrId, childTraceparent, newUlid } from './trace-id.ts';

const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

describe('a correlation id', () => {
  const own = ulid();
  it.each([own, own.toLowerCase(), '0195e2f1-7c1a-7def-8abc-0123456789ab', '6F9619FF-8B86-D011-B42D-00CF4FC964FF'])(
    'is accepted and echoed as sent: %s',
    (id) => {
      expect(acceptCorrId(id)).toBe(id);
    },
  );

  it.each([
    undefined,
    '',
    'x',
    `${own}x`,
    '8ZZZZZZZZZZZZZZZZZZZZZZZZZ',
    `${own}\n`,
    'a'.repeat(4096),
    ['a', 'b'],
    '01ARZ3NDEKTSV4RRFFQ69G5FAU',
  ])('is made anew instead of: %j', (id) => {
    expect(acceptCorrId(id)).not.toBe(id);
    expect(acceptCorrId(id)).toMatch(ULID);
  });

  it('carries the time and does not repeat', () => {
    const ids = new Set(Array.from({ length: 5_000 }, () => newUlid()));
    expect(ids.size).toBe(5_000);
    for (const id of ids) expect(id).toMatch(ULID);
    expect(newUlid(1_700_000_000_000).slice(0, 10)).toBe(ulid(1_700_000_000_000).slice(0, 10));
    expect(newUlid(1) < newUlid(2)).toBe(true);
  });
});

describe('traceparent', () => {
  const received = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

  it('keeps the trace and its flags, with a span of our own', () => {
    const child = childTraceparent(received);
    expect(child).toMatch(/^00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01$/);
    expect(child).not.toBe(received);
  });

  it('accepts a later version with more fields', () => {
    expect(childTraceparent(`cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what`)).toContain(
      '4bf92f3577b34da6',
    );
  });

  it.each([
    undefined,
    '',
    'ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    '00-00000000000000000000000000000000-00f067aa0ba902b7-01',
    '00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01',
    '00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01',
    `${received}-more`,
    'x'.repeat(10_000),
  ])('starts a trace instead of %j', (bad) => {
    expect(childTraceparent(bad)).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    expect(childTraceparent(bad)).not.toContain('4bf92f3577b34da6a3ce929d0e0e4736');
  });
});
