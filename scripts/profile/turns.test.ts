import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { CpuProfile } from './cpu-profile.ts';
import { longestTurns, type LoopReturn } from './turns.ts';

/** Of `stalled-process.ts`, sampled every 2 ms: fifty quick answers, one that stalls for 300 ms, fifty more. */
const RECORDED = JSON.parse(readFileSync(new URL('stall.cpuprofile', import.meta.url), 'utf8')) as CpuProfile & {
  readonly returns: readonly LoopReturn[];
};

/** What the thread had of a processor in it. */
const RECORDED_CPU_MS = 100;

test('the stall of a recorded profile is its longest turn, and named', () => {
  const [turn, next] = longestTurns(RECORDED, RECORDED.returns, 2);
  expect(turn?.ms).toBeGreaterThan(290);
  expect(turn?.stack.at(-1)?.name).toBe('seededStall');
  expect(turn?.cpuMs).toBeGreaterThan(RECORDED_CPU_MS);
  // Of the same recording: others had the processor, which its CPU says.
  expect(next?.cpuMs).toBeLessThan(20);
});

const frame = (functionName: string) => ({ functionName, url: '', lineNumber: -1, columnNumber: 0 });
const NODES = [
  { id: 1, callFrame: frame('(root)'), children: [2, 3, 4] },
  { id: 2, callFrame: frame('(idle)') },
  { id: 3, callFrame: frame('(program)') },
  { id: 4, callFrame: frame('callback'), children: [5, 6] },
  { id: 5, callFrame: frame('parse') },
  { id: 6, callFrame: frame('send') },
];

/** Samples of a millisecond each. */
const profileOf = (samples: readonly number[]): CpuProfile => ({
  nodes: NODES,
  startTime: 0,
  endTime: samples.length * 1_000,
  samples,
  timeDeltas: samples.map((_, at) => (at === 0 ? 0 : 1_000)),
});

const lengths = (samples: readonly number[], returns: readonly number[] = []): readonly number[] =>
  longestTurns(
    profileOf(samples),
    returns.map((at) => ({ at, cpu: 0 })),
    9,
  ).map(({ ms }) => ms);

test('a turn ends where the process idles or is in native code of no call', () => {
  expect(lengths([4, 4, 2, 4, 4, 4, 3, 4])).toEqual([3, 2, 1]);
});

test('a busy loop that came round is no long turn', () => {
  expect(lengths([4, 4, 4, 4, 4, 4])).toEqual([6]);
  expect(lengths([4, 4, 4, 4, 4, 4], [1_500, 3_500])).toEqual([2, 2, 2]);
});

test('the stack goes down to the last function half of the turn was in', () => {
  const [mixed] = longestTurns(profileOf([5, 5, 5, 6]), [], 1);
  expect(mixed?.stack.map(({ name }) => name)).toEqual(['callback', 'parse']);
  const [split] = longestTurns(profileOf([5, 4, 6, 4, 4]), [], 1);
  expect(split?.stack.map(({ name }) => name)).toEqual(['callback']);
});

test('nothing ran, no turn', () => {
  expect(lengths([2, 2, 3])).toEqual([]);
});

test('a turn says what it had of a processor, where the loop came round before and after it', () => {
  const returns = [
    { at: 1_000, cpu: 50_000 },
    { at: 5_000, cpu: 50_700 },
  ];
  const turns = longestTurns(profileOf([2, 2, 4, 4, 4, 4, 4]), returns, 2);
  expect(turns.map(({ ms, cpuMs }) => [ms, cpuMs])).toEqual([
    [3, 0.7],
    [2, undefined],
  ]);
});
