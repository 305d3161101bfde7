import type { Task } from '@macronode/contracts';
import { expect, test } from 'vitest';
import { lessonOf, type ProfileFindings, reportPage } from './report.ts';
import { peaks } from './task-watch.ts';

const FINDINGS: ProfileFindings = {
  service: 'storage',
  date: '2026-01-02T03:04:05Z',
  revision: 'abc',
  command: 'npm run profile -- storage',
  machine: 'a machine',
  users: 8,
  flows: [
    { flow: 'puts', requests: 100, failed: 0, seconds: 2, cpuMicros: { storage: 900, redis: 80 }, foreignShare: 0.1 },
  ],
  tree: {
    place: { name: 'storage', at: '' },
    self: 0,
    total: 10,
    children: [{ place: { name: 'hash', at: 'packages/content/src/a.ts:1' }, self: 10, total: 10, children: [] }],
  },
  loop: {
    delayMs: { p50: 2, p90: 3, p99: 4, max: 5 },
    utilization: 0.5,
    gc: [{ kind: 'major', count: 3, totalMs: 12, maxMs: 7 }],
    cpuMs: { user: 9, system: 1 },
    returns: [],
    heap: { usedBytes: 2 ** 20, totalBytes: 2 ** 21, externalBytes: 0 },
  },
  turns: [{ atMs: 1_500, ms: 301.2, cpuMs: 299, stack: [{ name: 'seededStall', at: 'a.ts:7' }] }],
  heap: {
    head: {
      callFrame: { functionName: 'make', url: 'a.ts', lineNumber: 0, columnNumber: 0 },
      selfSize: 4,
      children: [],
    },
  },
  tasks: [],
};

test('the page names the rate, the cost, the function, the collection and the turn', () => {
  const page = reportPage(FINDINGS, 'storage.svg', undefined);
  expect(page).toMatch(/\| puts +\| 50 +\| 0 +\| 900 +\| 80 /);
  expect(page).toMatch(/\| `hash` packages\/content\/src\/a\.ts:1 +\| 100\.0 % /);
  expect(page).toMatch(/\| major +\| 3 +\| 12 +\| 7\.0 /);
  expect(page).toContain('1. 301.2 ms, 299.0 ms of CPU, 1.5 s after the start');
  expect(page).toContain('seededStall (a.ts:7)');
});

test('what somebody wrote into a report is in the next one', () => {
  const lesson = 'Checkpoints were the cost.\n\nThey are gone.';
  expect(lessonOf(reportPage(FINDINGS, 'storage.svg', lesson))).toBe(lesson);
  expect(lessonOf('# nothing yet\n')).toBeUndefined();
});

const task = (name: string, over: Partial<Task>): Task => ({
  service: 'storage',
  kind: 'semaphore',
  name,
  held: 0,
  bound: 8,
  unit: 'count',
  waiting: 0,
  oldest_ms: null,
  oldest_waiting_ms: null,
  ...over,
});

test('peaks are the most of each reading, who waited longest first', () => {
  const readings = [
    [task('slots', { held: 3, oldest_ms: 5 }), task('locks', { held: 1, waiting: 2, oldest_waiting_ms: 9 })],
    [task('slots', { held: 1, oldest_ms: 80 }), task('late', { held: 1 })],
    [],
  ];
  expect(peaks(readings)).toEqual([
    task('locks', { held: 1, waiting: 2, oldest_waiting_ms: 9 }),
    task('slots', { held: 3, oldest_ms: 80 }),
    task('late', { held: 1 }),
  ]);
});
