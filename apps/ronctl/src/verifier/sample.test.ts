import { expect, test } from 'vitest';
import { sampleSizes } from './sample.ts';

const known = (size: number, ...sizes: number[]): void => {
  const samples = sampleSizes(size);
  expect(samples).toEqual([...new Set(samples)].sort((a, b) => a - b));
  expect(samples).toEqual(expect.arrayContaining(sizes));
  expect(samples.every((each) => each >= 1 && each <= size)).toBe(true);
};

test('the ends of a log and both sides of every power of four have a proof, in order and once', () => {
  expect(sampleSizes(0)).toEqual([]);
  expect(sampleSizes(1)).toEqual([1]);
  known(256, 1, 2, 4, 5, 16, 17, 64, 65, 256);
  known(65_538, 1, 2, 4, 5, 16, 17, 64, 65, 256, 257, 1_024, 1_025, 65_536, 65_537, 65_538);
});
