import { describe, expect, it } from 'vitest';
import { allowsTag, currentCopy, mustBeNew, readConditions } from './conditions.ts';

describe('entity tags', () => {
  it('compares weakly for If-None-Match and strongly for If-Match', () => {
    expect(currentCopy('W/"a"', 'a')).toBe('a');
    expect(allowsTag('W/"a"', 'a')).toBe(false);
    expect(allowsTag('"b", "a"', 'a')).toBe(true);
    expect(currentCopy('"b"', 'a')).toBeUndefined();
    expect(currentCopy(undefined, 'a')).toBeUndefined();
    expect(currentCopy('*', 'a')).toBe('a');
    expect(currentCopy('"b", "a-gzip"', 'a')).toBe('a-gzip');
    expect(allowsTag('"a-zstd"', 'a')).toBe(true);
    expect(allowsTag('"a-br"', 'a')).toBe(false);
    expect(allowsTag(undefined, 'a')).toBe(true);
    expect(allowsTag('not a tag', 'a')).toBe(false);
  });
});

describe('conditions of a read', () => {
  it('are passed on as sent', () => {
    const headers = { range: 'bytes=0-1', 'if-range': '"a"', 'if-match': '*', 'if-none-match': '"b"' };
    expect(readConditions('GET', headers)).toEqual({
      method: 'GET',
      range: 'bytes=0-1',
      if_range: '"a"',
      if_match: '*',
      if_none_match: '"b"',
    });
  });

  it('have no range for HEAD, nor a range that is too long', () => {
    expect(readConditions('HEAD', { range: 'bytes=0-1', 'if-range': '"a"' })).toEqual({ method: 'HEAD' });
    expect(readConditions('GET', { range: `bytes=${'0-1,'.repeat(99)}` })).toEqual({ method: 'GET' });
  });

  it('refuse a header no honest client sends', () => {
    expect(() => readConditions('GET', { 'if-match': `"${'a'.repeat(2000)}"` })).toThrow(/if-match/);
  });
});

describe('If-None-Match on a write', () => {
  it('is * or nothing', () => {
    expect(mustBeNew({})).toBe(false);
    expect(mustBeNew({ 'if-none-match': '*' })).toBe(true);
    expect(() => mustBeNew({ 'if-none-match': '"a"' })).toThrow(/\*/);
  });
});
