import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../k6/flows/random.ts';
import { pairedRatio } from './interval.ts';

/** Measurements of one machine that is now fast, now slow: both sides of a pair feel it, and each has noise of its own. */
function pairs(count: number, truth: number, noise: number, seed: number): readonly [number[], number[]] {
  const random = seededRandom(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const a: number[] = [];
  const b: number[] = [];
  for (let at = 0; at < count; at += 1) {
    const weather = Math.exp(0.5 * normal());
    a.push(100 * weather * Math.exp((noise / Math.SQRT2) * normal()));
    b.push(100 * truth * weather * Math.exp((noise / Math.SQRT2) * normal()));
  }
  return [a, b];
}

describe('the ratio of paired measurements', () => {
  it('is exact, with no width, where every pair says the same', () => {
    const { ratio, interval } = pairedRatio([1, 2, 4, 8], [2, 4, 8, 16]);
    expect(ratio).toBeCloseTo(2, 9);
    expect(interval(0.001)[0]).toBeCloseTo(2, 9);
  });

  it('takes the quantiles of Student where the bootstrap error is the plain one', () => {
    // Eight values, so that the best and the worst are left out: 6 remain, 5 degrees of freedom.
    const { ratio, interval } = pairedRatio(Array(8).fill(1), [1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7]);
    const reach = (error: number): number => Math.log(interval(error)[1] / ratio);
    expect(reach(0.025) / reach(0.05)).toBeCloseTo(2.5706 / 2.015, 3);
    expect(reach(0.001) / reach(0.025)).toBeCloseTo(5.8934 / 2.5706, 3);
  });

  it('does not let one window that a stranger doubled decide', () => {
    const a = Array.from({ length: 12 }, () => 100);
    const b = a.map((value, at) => (at === 3 ? 3 * value : value * (1 + (at % 3) / 100)));
    expect(pairedRatio(a, b).ratio).toBeLessThan(1.02);
  });

  it.each([8, 11, 16])('misses the truth no more often than it says, with %d pairs', (count) => {
    const runs = 400;
    const missed = Array.from({ length: runs }, (_, seed) => {
      const [lower, upper] = pairedRatio(...pairs(count, 1.15, 0.08, seed), seed).interval(0.025);
      return lower > 1.15 || upper < 1.15;
    }).filter(Boolean).length;
    expect(missed / runs).toBeLessThan(0.08);
  });

  it('refuses what has no ratio', () => {
    expect(() => pairedRatio([1, 2], [1, 2])).toThrow('three or more pairs');
    expect(() => pairedRatio([1, 2, 3], [1, 0, 3])).toThrow('positive');
    expect(() => pairedRatio([1, 2, 3], [1, 2])).toThrow('3 and 2');
  });
});
