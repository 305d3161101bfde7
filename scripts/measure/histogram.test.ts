import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LatencyHistogram } from './histogram.ts';

describe('the latency histogram', () => {
  it('finds every quantile within 1.6 % above the truth', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 2 ** 29 }), { minLength: 1, maxLength: 200 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (values, share) => {
          const histogram = new LatencyHistogram();
          for (const value of values) histogram.record(value);
          const truth = [...values].sort((a, b) => a - b)[Math.ceil(share * values.length) - 1] ?? Number.NaN;
          const found = histogram.quantile(share);
          expect(found).toBeGreaterThanOrEqual(truth);
          expect(found).toBeLessThanOrEqual(truth * (1 + 1 / 63));
        },
      ),
    );
  });

  it('adds up what several processes counted', () => {
    const one = new LatencyHistogram();
    const other = new LatencyHistogram();
    one.record(10);
    other.record(1_000);
    other.record(5_000_000_000);
    const both = LatencyHistogram.from(one.counts());
    both.add(other.counts());
    expect(both.total).toBe(3);
    expect(both.quantile(0.3)).toBe(10);
    expect(both.quantile(1)).toBeGreaterThanOrEqual(2 ** 30 - 1);
  });

  it('says that it knows nothing when it is empty', () => {
    expect(new LatencyHistogram().quantile(0.5)).toBeNaN();
  });
});
