import { expect, test } from 'vitest';
import type { StackNode } from './cpu-profile.ts';
import { flamegraph } from './flamegraph.ts';

const leaf = (name: string, total: number, at = ''): StackNode => ({
  place: { name, at },
  self: total,
  total,
  children: [],
});

const root = (children: readonly StackNode[]): StackNode => ({
  place: { name: 'gateway', at: '' },
  self: 0,
  total: children.reduce((sum, { total }) => sum + total, 0),
  children,
});

test('frames stand beside each other in their share of the whole, and say it', () => {
  const svg = flamegraph(root([leaf('read', 750, 'apps/gateway/src/a.ts:3'), leaf('write', 250)]), 'a title');
  expect(svg).toContain('data-x="0.00000" data-w="0.75000" data-row="1"');
  expect(svg).toContain('data-x="0.75000" data-w="0.25000" data-row="1"');
  expect(svg).toContain('<title>read apps/gateway/src/a.ts:3: 75.0 %, itself 75.0 %</title>');
});

test('names are escaped, and nothing is loaded from elsewhere', () => {
  const svg = flamegraph(root([leaf('<anonymous> & "x"', 1)]), 'a < b');
  expect(svg).toContain('&lt;anonymous&gt; &amp; &quot;x&quot;');
  expect(svg.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|href/);
});

test('what is too narrow to see is left out, so that the file stays small enough to keep', () => {
  const crowd = Array.from({ length: 20_000 }, (_, at) => leaf(`a function with a rather long name ${at}`, 1));
  const svg = flamegraph(root([leaf('wide', 20_000), ...crowd]), 'crowded');
  expect(svg).toContain('data-name="wide"');
  expect(svg).not.toContain('rather long');
});
