import { describe, expect, it } from 'vitest';
import { type CaseResult, isMet } from '../../bench-harness.ts';
import { compare } from './ratios.ts';
import { cellName, sectionsOf } from './sections.ts';

/** What a reader of the JSON may rely on. */
const PROMISED = [
  'nest_redis_256_c1',
  'nest_redis_256_c64',
  'nest_redis_256_c512',
  'nest_tcp_256_c512',
  'nest_redis_256_4clients',
  'nest_redis_65536_c64',
  'nest_redis_65536_binary_c64',
  'bullmq_256_c64',
  'open_10k_cpu',
];

const cells = (quick: boolean): readonly string[] =>
  sectionsOf({ quick }).flatMap((section) =>
    section.shapes.flatMap((shape) => section.contestants.map((name) => cellName(name, section, shape))),
  );

const result = (name: string, median: number): CaseResult => ({
  ...{ case: name, unit: 'calls/s', median, min: median, max: median, runs: 3, p50: 1_000, p99: 2_000 },
  cpu_us: { client: 1, server: 1, redis: 1, total: name.startsWith('call') ? 30 : 60 },
});

describe('the ratios of the bus benchmark', () => {
  it('are all measured by a full run', () => {
    const { ratios } = compare(cells(false).map((name) => result(name, 100)));
    expect(Object.keys(ratios)).toEqual(expect.arrayContaining(PROMISED));
    expect(ratios['open_10k_cpu']).toBe(0.5);
  });

  it('are ours over theirs, and leave out what was not measured', () => {
    const { ratios, goals } = compare([result('call 256 c64', 290), result('nest_redis 256 c64', 100)]);
    expect(ratios['nest_redis_256_c64']).toBe(2.9);
    expect(ratios).not.toHaveProperty('nest_redis_256_c512');
    expect(goals.find(({ name }) => name === 'nest_redis_256_c64')).toMatchObject({ is: 'at least', bound: 3 });
    expect(goals.filter((goal) => !isMet(goal)).map(({ name }) => name)).toEqual(['nest_redis_256_c64']);
  });

  it('has a name of its own for each cell', () => {
    expect(new Set(cells(false)).size).toBe(cells(false).length);
  });

  it('measures in a quick run what it takes to see the main ratios, and what is named', () => {
    expect(cells(true)).toEqual(expect.arrayContaining(['call 256 c512', 'nest_redis 256 c512']));
    expect(sectionsOf({ quick: true, contestants: ['bullmq'] }).flatMap(({ contestants }) => contestants)).toEqual([
      'bullmq',
    ]);
    expect(sectionsOf({ quick: false, payloads: ['65536_binary'] })).toHaveLength(1);
  });
});
