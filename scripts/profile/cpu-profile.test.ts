import { expect, test } from 'vitest';
import {
  charges,
  type CpuProfile,
  functionTimes,
  joined,
  partTimes,
  type ProfileNode,
  stackTree,
} from './cpu-profile.ts';

const node = (id: number, functionName: string, url: string, children: readonly number[] = []): ProfileNode => ({
  id,
  callFrame: { functionName, url, lineNumber: url === '' ? -1 : 9, columnNumber: 0 },
  children,
});

/** Samples of a millisecond each. */
const profileOf = (nodes: readonly ProfileNode[], samples: readonly number[]): CpuProfile => ({
  nodes,
  startTime: 0,
  endTime: samples.length * 1_000,
  samples,
  timeDeltas: samples.map((_, at) => (at === 0 ? 0 : 1_000)),
});

const NODES = [
  node(1, '(root)', '', [2, 3, 4, 9]),
  node(2, '(idle)', ''),
  node(3, 'onread', 'node:net', [5, 6]),
  node(4, '(garbage collector)', ''),
  // The same function twice: V8 keeps apart what it compiled twice.
  node(5, 'handle', 'apps/gateway/src/a.ts', [7]),
  node(6, 'handle', 'apps/gateway/src/a.ts', [8]),
  node(7, 'writev', ''),
  node(8, 'pack', 'node_modules/msgpackr/pack.js'),
  node(9, '', 'packages/bus/src/b.ts'),
];
const SAMPLED = profileOf(NODES, [2, 2, 5, 7, 7, 8, 4, 9, 6]);

test('idle time is no part of the tree, and a function compiled twice is one', () => {
  const tree = stackTree(SAMPLED, 'main');
  expect(tree.total).toBe(7_000);
  expect(tree.children.map(({ place, total }) => [place.name, total])).toEqual([
    ['onread', 5_000],
    ['(garbage collector)', 1_000],
    ['(anonymous)', 1_000],
  ]);
  const [handle, ...others] = tree.children[0]?.children ?? [];
  expect(others).toEqual([]);
  expect(handle).toMatchObject({
    place: { name: 'handle', at: 'apps/gateway/src/a.ts:10' },
    self: 2_000,
    total: 5_000,
  });
});

test('a function is charged with what it calls outside of our code', () => {
  const [first, second] = charges(stackTree(SAMPLED, 'main'));
  expect(first).toEqual({
    place: { name: 'handle', at: 'apps/gateway/src/a.ts:10' },
    micros: 5_000,
    tops: [
      { name: 'handle', micros: 2_000 },
      { name: 'writev', micros: 2_000 },
      { name: 'pack', micros: 1_000 },
    ],
  });
  expect(second?.place.name).toBe('(none of ours)');
});

test('time is summed by part of the program: workspaces, dependencies, Node, V8', () => {
  const parts = Object.fromEntries(partTimes(stackTree(SAMPLED, 'main')).map(({ part, self }) => [part, self]));
  expect(parts).toEqual({
    'apps/gateway': 2_000,
    native: 2_000,
    msgpackr: 1_000,
    '(garbage collector)': 1_000,
    'packages/bus': 1_000,
    node: 0,
  });
});

test('a function that calls itself is counted once', () => {
  const nodes = [node(1, '(root)', '', [2]), node(2, 'walk', 'a.ts', [3]), node(3, 'walk', 'a.ts')];
  const [walk] = functionTimes(stackTree(profileOf(nodes, [2, 3, 3]), 'main'));
  expect(walk).toMatchObject({ self: 3_000, total: 3_000 });
});

test('threads stand side by side', () => {
  const tree = joined('storage', [stackTree(SAMPLED, 'main'), stackTree(SAMPLED, 'writer')]);
  expect(tree.total).toBe(14_000);
  expect(functionTimes(tree).find(({ place }) => place.name === 'handle')?.self).toBe(4_000);
});
