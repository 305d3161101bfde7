import { expect, test } from 'vitest';
import { chaosPageWith, resultsIn, resultsOf } from './page.ts';
import { secondsOf } from './scenario.ts';
import { SCENARIOS } from './scenarios/index.ts';

test('scenarios have names of their own in snake_case, and a sentence', () => {
  const names = SCENARIOS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, what } of SCENARIOS) {
    expect(name).toMatch(/^[a-z]+(_[a-z0-9]+)*$/);
    expect(what.length, name).toBeGreaterThan(10);
  }
});

test('every scenario promises recovery, bounded memory, typed refusals and a closed ledger', () => {
  for (const { name, expects } of SCENARIOS) {
    const claims = expects.map(({ claim }) => claim);
    expect(claims, name).toEqual(expect.arrayContaining(['recovery', 'memory', 'shed', 'ledger']));
  }
});

test('a quick run is never longer', () => {
  for (const scenario of SCENARIOS)
    expect(secondsOf(scenario, true), scenario.name).toBeLessThanOrEqual(scenario.seconds);
});

test('the page keeps the results of a run between its marks', () => {
  const row = { name: 'redis_killed', ok: true, expected: 'e', observed: 'o', recovery_s: 4.6, lost: 0 };
  const results = resultsOf(
    [row, { ...row, name: 'loss', ok: false, recovery_s: null }],
    new Date('2026-11-26'),
    '2 cores',
  );
  const page = chaosPageWith(results);
  expect(resultsIn(page)).toBe(results);
  expect(chaosPageWith(resultsIn(page) ?? '')).toBe(page);
  expect(results).toContain('2026-11-26, 2 cores: 1 of 2 as expected.');
  expect(results).toContain('| `loss` | not ok | o | never | 0 |');
});

test('a page without marks has no results', () => {
  expect(resultsIn('# Chaos')).toBeUndefined();
});
