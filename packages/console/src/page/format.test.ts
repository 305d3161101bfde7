import { describe, expect, it } from 'vitest';
import { writeText } from './format.ts';

describe('numbers as they are written', () => {
  it.each([
    [0, 'count', '0'],
    [1_234, 'count', '1,234'],
    [2_500_000, 'count', '2.5 M'],
    [0.25, 'per_second', '0.25 /s'],
    [483.4, 'per_second', '483 /s'],
    [1_536, 'bytes', '1.5 KiB'],
    [3 * 1024 ** 3, 'bytes', '3 GiB'],
    [25.5 * 1024 ** 2, 'bytes_per_second', '25.5 MiB/s'],
    [0.000_269, 'seconds', '269 µs'],
    [0.018_4, 'seconds', '18.4 ms'],
    [12, 'seconds', '12 s'],
    [7_000, 'seconds', '116 min'],
    [200_000, 'seconds', '2 d'],
    [1, 'share', '100 %'],
    [0.999_999, 'share', '99.999 %'],
    [0.95, 'share', '95 %'],
    [0.398, 'cores', '0.398 cores'],
    [undefined, 'count', '–'],
    [NaN, 'seconds', '–'],
  ] as const)('%s as %s is %s', (value, unit, text) => expect(writeText(value, unit)).toBe(text));
});
