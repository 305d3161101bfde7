import { expect, test } from 'vitest';
import { ManualClock } from '../clock.ts';
import { BusOverflow } from '../errors.ts';
import { MemoryClaims } from './memory-claims.ts';

test('an id is claimed once within its window, and again after it', () => {
  const clock = new ManualClock();
  const claims = new MemoryClaims(clock);
  expect(claims.claim(['a#1', 'a#2', 'a#1'], 1_000)).toEqual([true, true, false]);
  clock.advance(999);
  expect(claims.claim(['a#1'], 1_000)).toEqual([false]);
  clock.advance(1);
  expect(claims.claim(['a#1'], 1_000)).toEqual([true]);
});

test('at its bound it refuses, claims nothing, and recovers when windows end', () => {
  const clock = new ManualClock();
  const claims = new MemoryClaims(clock);
  for (let n = 0; n < 65_536; n += 128) {
    claims.claim(
      Array.from({ length: 128 }, (_, i) => `a#${n + i}`),
      1_000,
    );
  }
  expect(() => claims.claim(['b#1'], 1_000)).toThrow(BusOverflow);
  clock.advance(1_000);
  expect(claims.claim(['b#1'], 1_000)).toEqual([true]);
});
