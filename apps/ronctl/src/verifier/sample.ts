import { randomInt } from 'node:crypto';

const RANDOM_SAMPLES = 8;

/**
 * Sizes of a log worth a proof, in order: its ends, both sides of every power of four, among which are those at which
 * tiles grow a level, and some that nobody can foresee.
 */
export function sampleSizes(size: number): number[] {
  const sizes = new Set<number>();
  for (let power = 1; power <= size; power *= 4) [power, power + 1].forEach((each) => sizes.add(each));
  for (let i = 0; i < RANDOM_SAMPLES && size > 0; i += 1) sizes.add(randomInt(1, size + 1));
  sizes.add(size);
  return [...sizes].filter((each) => each >= 1 && each <= size).sort((a, b) => a - b);
}
