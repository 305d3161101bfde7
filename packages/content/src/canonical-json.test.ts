import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CanonicalJsonError, canonicalJson } from './canonical-json.ts';
import type { CanonicalJsonReason } from './canonical-json.ts';

const jsonValue = () => fc.jsonValue({ stringUnit: 'binary', maxDepth: 4 });

/** The same value with the members of every object in another order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, reversed(member)]),
  );
}

describe('canonicalJson', () => {
  it('round-trips, and is the same whatever the order of members', () => {
    fc.assert(
      fc.property(jsonValue(), (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
        expect(canonicalJson(reversed(value))).toBe(text);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('agrees with a second implementation', () => {
    fc.assert(
      fc.property(jsonValue(), (value) => {
        expect(canonicalJson(value)).toBe(canonicalize(value));
      }),
    );
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (n) => {
        expect(canonicalJson(n)).toBe(canonicalize(n));
      }),
    );
  });

  it('writes -0 as 0 and orders keys by UTF-16 code units', () => {
    expect(canonicalJson(-0)).toBe('0');
    expect(canonicalJson({ '\u{1f600}': 1, '\ufb33': 2 })).toBe('{"\u{1f600}":1,"\ufb33":2}');
  });

  it.each<[string, unknown, CanonicalJsonReason]>([
    ['NaN', [Number.NaN], 'number'],
    ['infinity', { a: -Infinity }, 'number'],
    ['a lone surrogate', 'x\ud800', 'text'],
    ['a lone surrogate in a key', { '\udc00': 1 }, 'text'],
    ['undefined', undefined, 'type'],
    ['an undefined member', { a: undefined }, 'type'],
    ['a hole', new Array(1), 'type'],
    ['a function', { toJSON: () => 1 }, 'type'],
    ['a bigint', 1n, 'type'],
    ['a Date', new Date(0), 'type'],
    ['a Map', new Map(), 'type'],
    ['bytes', new Uint8Array(2), 'type'],
    ['a boxed number', Object(1), 'type'],
    ['a symbol key', { [Symbol('s')]: 1 }, 'type'],
  ])('refuses %s', (_, value, reason) => {
    expect(() => canonicalJson(value)).toThrow(expect.objectContaining({ name: 'CanonicalJsonError', reason }));
  });

  it('refuses a cycle instead of overflowing the stack', () => {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    expect(() => canonicalJson(cycle)).toThrow(expect.objectContaining({ reason: 'depth' }));
  });

  it('says where', () => {
    expect(() => canonicalJson({ a: [0, { b: Number.NaN }] })).toThrow(CanonicalJsonError);
    expect(() => canonicalJson({ a: [0, { b: Number.NaN }] })).toThrow('$.a[1].b');
  });
});
