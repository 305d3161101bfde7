import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { estimateRatio } from './bootstrap.ts';

const noise = fc.array(fc.double({ min: 0.95, max: 1.05, noNaN: true }), { minLength: 8, maxLength: 12 });

describe('the estimate of a ratio', () => {
  it('lies in its interval, and the interval about the true ratio', () => {
    fc.assert(
      fc.property(noise, fc.double({ min: 0.5, max: 2, noNaN: true }), (factors, ratio) => {
        const estimate = estimateRatio(
          factors.map((factor) => [100, 100 * ratio * factor] as const),
          0.99,
        );
        expect(estimate.low).toBeLessThanOrEqual(estimate.ratio);
        expect(estimate.high).toBeGreaterThanOrEqual(estimate.ratio);
        expect(estimate.low / ratio).toBeGreaterThan(0.949);
        expect(estimate.high / ratio).toBeLessThan(1.051);
      }),
      { numRuns: 20 },
    );
  });

  it('cancels what slows a whole round down', () => {
    const pairs = [1, 3, 0.5, 2, 1.1, 0.9, 4, 1].map((slow) => [100 * slow, 110 * slow] as const);
    const { low, high } = estimateRatio(pairs, 0.99);
    expect(low).toBeCloseTo(1.1, 6);
    expect(high).toBeCloseTo(1.1, 6);
  });

  it('is the same for the same pairs and seed', () => {
    const pairs = [1, 1.2, 0.9, 1.4, 1.1].map((after) => [1, after] as const);
    expect(estimateRatio(pairs, 0.95, 7)).toEqual(estimateRatio(pairs, 0.95, 7));
  });

  it('refuses what is no ratio', () => {
    expect(() => estimateRatio([], 0.95)).toThrow('needs pairs');
    expect(() => estimateRatio([[0, 1]], 0.95)).toThrow('above zero');
  });
});
