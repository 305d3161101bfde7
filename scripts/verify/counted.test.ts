import { describe, expect, it } from 'vitest';
import { secondsCounted } from './counted.ts';

describe('secondsCounted', () => {
  it('takes back the reach of a rate to the ends of its window', () => {
    // Samples at 0.4 to 9.4 of a window of 10 s count 90: Prometheus says 90 / 9 s stretched to 10 s, over 10 s.
    const samples = Array.from({ length: 10 }, (_, i) => i + 0.4);
    const rate = (90 * (10 / 9)) / 10;
    expect(rate * secondsCounted(samples, 0, 10)).toBeCloseTo(90, 9);
  });

  it('knows that a rate reaches half an interval where scrapes are missing at an end', () => {
    const samples = [0.4, 1.4, 2.4, 3.4, 4.4];
    const rate = (40 * ((4 + 0.4 + 0.5) / 4)) / 10;
    expect(rate * secondsCounted(samples, 0, 10)).toBeCloseTo(40, 9);
  });

  it('refuses to count between fewer than two samples', () => {
    expect(() => secondsCounted([1], 0, 10)).toThrow('two samples');
  });
});
