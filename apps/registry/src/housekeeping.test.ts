import { describe, expect, it } from 'vitest';
import { inWindow } from './housekeeping.ts';

const at = (time: string): number => Date.parse(`2030-05-05T${time}:00Z`);

describe('the compaction window', () => {
  it.each([
    ['02:00-04:00', '01:59', false],
    ['02:00-04:00', '02:00', true],
    ['02:00-04:00', '03:59', true],
    ['02:00-04:00', '04:00', false],
    ['23:30-00:30', '23:29', false],
    ['23:30-00:30', '23:45', true],
    ['23:30-00:30', '00:29', true],
    ['23:30-00:30', '00:30', false],
    ['00:00-00:00', '13:00', true],
  ])('%s at %s: %s', (window, time, inside) => {
    expect(inWindow(window, at(time))).toBe(inside);
  });
});
