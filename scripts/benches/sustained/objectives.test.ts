import { describe, expect, it } from 'vitest';
import { isMet } from '../../bench-harness.ts';
import { joined, type LoadReport } from '../../load/load-tally.ts';
import { LatencyHistogram } from '../../measure/histogram.ts';
import { objectivesOf } from './objectives.ts';

const IDLE_BUS = { published: 10_000, overflowed: 0 };
const GET = 'GET /o/{id}';

function latencies(ms: number, count = 100): readonly number[] {
  const histogram = new LatencyHistogram();
  for (let left = count; left > 0; left -= 1) histogram.record(ms * 1_000);
  return histogram.counts();
}

const report = (change: Partial<LoadReport> = {}): LoadReport => ({
  turns: 10_000,
  requests: 10_000,
  answers: { [`${GET} 200`]: 10_000 },
  failedRequests: 0,
  failedChecks: {},
  droppedTurns: 0,
  elapsedMs: 1_000,
  latencies: { [GET]: latencies(5) },
  ...change,
});

const missed = (change: Partial<LoadReport>, bus = IDLE_BUS): string[] =>
  objectivesOf(report(change), bus)
    .filter((goal) => !isMet(goal))
    .map(({ name }) => name);

it('a load that was answered at once meets every objective', () => {
  expect(objectivesOf(report(), IDLE_BUS)).toHaveLength(6);
  expect(missed({})).toEqual([]);
});

describe('an objective is missed', () => {
  it.each<[string, Partial<LoadReport>]>([
    ['object_get_latency p95 ms', { latencies: { [GET]: latencies(82) } }],
    ['object_put_latency p95 ms', { latencies: { 'PUT /o/{id}': latencies(155) } }],
    ['failures', { answers: { [`${GET} 200`]: 9_989, [`${GET} 500`]: 6, [`${GET} 0`]: 5 } }],
    ['refusals', { answers: { [`${GET} 200`]: 9_899, [`${GET} 503`]: 51, [`${GET} 429`]: 50 } }],
    ['wrong answers', { failedChecks: { 'GET: every byte comes': 1 } }],
    ['turns never begun', { droppedTurns: 102 }],
  ])('%s', (name, change) => {
    expect(missed(change)).toEqual([name]);
  });

  it('bus overflow', () => {
    expect(missed({}, { published: 10_000, overflowed: 2 })).toEqual(['bus overflow']);
    expect(missed({}, { published: 10_000, overflowed: 1 })).toEqual([]);
  });
});

it('refusals and failures at their bounds are allowed', () => {
  expect(missed({ answers: { [`${GET} 200`]: 9_890, [`${GET} 500`]: 10, [`${GET} 503`]: 100 } })).toEqual([]);
});

it('windows add up, and keep the latencies of each route', () => {
  const both = joined([
    report({ failedChecks: { odd: 1 }, latencies: { [GET]: latencies(5, 3) } }),
    report({ failedChecks: { odd: 2 }, latencies: { [GET]: latencies(500, 1), 'HEAD /o/{id}': latencies(5, 1) } }),
  ]);
  expect(both).toMatchObject({
    turns: 20_000,
    elapsedMs: 2_000,
    failedChecks: { odd: 3 },
    answers: { [`${GET} 200`]: 20_000 },
  });
  expect(LatencyHistogram.from(both.latencies[GET] ?? []).total).toBe(4);
  expect(Object.keys(both.latencies)).toEqual([GET, 'HEAD /o/{id}']);
});
