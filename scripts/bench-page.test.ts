import { describe, expect, it } from 'vitest';
import type { BenchResult } from './bench-harness.ts';
import { markdownOf, pageWith } from './bench-page.ts';

const result: BenchResult = {
  name: 'bus',
  date: '2026-01-02T03:04:05.000Z',
  machine: { cpu: 'Some CPU', cores: 2, node: '24.0.0' },
  cases: [
    {
      ...{ case: 'call 256 c64', unit: 'calls/s', median: 40_123, min: 1, max: 2, runs: 3, p50: 900, p99: 2_345 },
      ...{ cpu_us: { client: 10, server: 9.5, redis: 2, total: 21.5 }, errors: { BusOverflow: 3 }, noisy_runs: 1 },
    },
  ],
  ratios: { nest_redis_256_c64: 3.25, other: 1 },
  goals: [
    { name: 'nest_redis_256_c64', measured: 3.25, is: 'at least', bound: 3 },
    { name: 'idle', measured: 200, is: 'at most', bound: 150 },
  ],
};

describe('the page of a benchmark', () => {
  it('shows the columns that have numbers, and every ratio beside its goal', () => {
    const text = markdownOf(result);
    expect(text).toContain('2 cores of Some CPU, Node 24.0.0');
    expect(text).toMatch(/call 256 c64 \| 40,120 \| calls\/s \| 0\.9 +\| 2\.35 .*\| 21\.5 +\| 3 BusOverflow \| 1 of 3/);
    expect(text).not.toContain('allocations');
    expect(text).toMatch(/nest_redis_256_c64 \| 3\.25 +\| at least 3: met/);
    expect(text).toMatch(/idle +\| 200 +\| at most 150: short/);
  });

  it('replaces the part between its marks and nothing else', () => {
    const mark = '<!-- bench bus: written by npm run bench -- bus --page -->';
    const page = `# Title\n\n${mark}\n\nold\n\n<!-- /bench bus -->\n\nrest\n`;
    const once = pageWith(page, result);
    expect(once).toMatch(/^# Title\n\n<!-- bench bus/);
    expect(once).toMatch(/<!-- \/bench bus -->\n\nrest\n$/);
    expect(once).not.toContain('old');
    expect(pageWith(once, result)).toBe(once);
  });

  it('refuses a page without a place for it', () => {
    expect(() => pageWith('# Title\n', result)).toThrow("no '<!-- bench bus");
  });
});
