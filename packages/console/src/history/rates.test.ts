import { describe, expect, it } from 'vitest';
import { increaseOf, quantileOf } from './rates.ts';

const samples = (...values: readonly number[]) => values.map((value, at) => ({ at: at * 2_000, value, startedAt: 1 }));

describe('increaseOf', () => {
  it('is the growth between the first and the last sample', () => {
    expect(increaseOf(samples(5, 6, 11))).toEqual({ count: 6, seconds: 4 });
  });

  it('needs two samples', () => {
    expect(increaseOf(samples(5))).toBeUndefined();
    expect(increaseOf([])).toBeUndefined();
  });

  it('counts from zero after a restart, also when the new value is the higher one', () => {
    expect(increaseOf(samples(10, 3))?.count).toBe(3);
    const restarted = { at: 4_000, value: 30, startedAt: 2 };
    expect(increaseOf([...samples(10, 12), restarted])?.count).toBe(32);
  });
});

describe('quantileOf', () => {
  const buckets = [
    { edge: 0.1, count: 50 },
    { edge: 0.2, count: 90 },
    { edge: Infinity, count: 100 },
  ];

  it('interpolates inside a bucket', () => {
    expect(quantileOf(0.5, buckets)).toBeCloseTo(0.1);
    expect(quantileOf(0.25, buckets)).toBeCloseTo(0.05);
    expect(quantileOf(0.7, buckets)).toBeCloseTo(0.15);
  });

  it('is the last finite edge beyond it, and nothing without observations', () => {
    expect(quantileOf(0.99, buckets)).toBe(0.2);
    expect(quantileOf(0.5, [])).toBeUndefined();
    expect(quantileOf(0.5, [{ edge: 1, count: 0 }])).toBeUndefined();
  });

  it('takes buckets in any order', () => {
    expect(quantileOf(0.7, buckets.toReversed())).toBeCloseTo(0.15);
  });
});
