import fc from 'fast-check';
import { expect, it } from 'vitest';
import { TokenBucket } from './token-bucket.ts';

it('gives its burst, then what comes back, fractions kept', () => {
  const bucket = new TokenBucket({ perSecond: 2, burst: 3 }, 0);
  expect([0, 0, 0, 0].map((ms) => bucket.take(ms))).toEqual([true, true, true, false]);
  expect([200, 400, 499, 500, 500].map((ms) => bucket.take(ms))).toEqual([false, false, false, true, false]);
  expect([1e9, 1e9, 1e9, 1e9].map((ms) => bucket.take(ms))).toEqual([true, true, true, false]);
});

it('takes several or none, and looking costs nothing', () => {
  const bucket = new TokenBucket({ perSecond: 1, burst: 5 }, 0);
  expect(bucket.take(0, 6)).toBe(false);
  expect(bucket.take(0, 4)).toBe(true);
  expect(bucket.take(0, 2)).toBe(false);
  expect(bucket.holds(0)).toBe(true);
  expect(bucket.take(0)).toBe(true);
  expect(bucket.holds(0)).toBe(false);
});

it('gives nothing for a clock that steps back, and goes on from there', () => {
  const bucket = new TokenBucket({ perSecond: 1, burst: 1 }, 10_000_000);
  expect(bucket.take(10_000_000)).toBe(true);
  expect(bucket.take(1_000)).toBe(false);
  expect(bucket.take(1_999)).toBe(false);
  expect(bucket.take(2_000)).toBe(true);
});

it('never gives more than its burst and its rate over any span', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(500), { maxLength: 200 }), (gaps) => {
      const bucket = new TokenBucket({ perSecond: 10, burst: 4 }, 0);
      let now = 0;
      let taken = 0;
      for (const gap of gaps) {
        now += gap;
        if (bucket.take(now)) taken += 1;
      }
      expect(taken).toBeLessThanOrEqual(4 + now / 100 + 1e-6);
    }),
  );
});
