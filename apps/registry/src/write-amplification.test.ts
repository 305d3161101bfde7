import { expect, it } from 'vitest';
import { WriteAmplification } from './write-amplification.ts';

it('is the bytes this process wrote, in blocks, for each byte it was given to keep', () => {
  let blocks = 100;
  const amplification = new WriteAmplification(() => blocks);
  expect(amplification.ratio()).toBe(0);
  blocks += 40;
  amplification.committed(4_096);
  expect(amplification.ratio()).toBe(5);
  amplification.committed(4_096);
  expect(amplification.ratio()).toBe(2.5);
});
