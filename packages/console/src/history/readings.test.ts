import { describe, expect, it } from 'vitest';
import { History } from './history.ts';
import { CONSOLE_LIMITS } from './limits.ts';
import { Readings } from './readings.ts';
import type { ByLabel, ConsoleState, Instance } from './state.ts';

function instance(id: string, at: number, values: Record<string, ByLabel>, service = 'gateway'): Instance {
  return {
    id,
    name: service,
    at,
    problem: null,
    version: null,
    started_at: 1,
    readiness: [],
    services: [{ service, values }],
  };
}

const lost = (id: string, at: number): Instance => ({ ...instance(id, at, {}), problem: 'gone', services: [] });

function state(at: number, ...instances: readonly Instance[]): ConsoleState {
  return { at, node: 'gateway', objectives: { availability: 0.999, readSeconds: 0.08 }, instances };
}

const requests = { metric: 'requests', by: 'code' };
const depth = { metric: 'depth' };
const counted = (ok: number, failed?: number): Record<string, ByLabel> => ({
  'requests by code': { 200: ok, ...(failed !== undefined && { 500: failed }) },
});

describe('readings', () => {
  it('add the rates of instances up, each over its own time', () => {
    const readings = new Readings([
      state(0, instance('a', 0, counted(0)), instance('b', 0, counted(10))),
      state(2_000, instance('a', 2_000, counted(20)), instance('b', 4_000, counted(50))),
    ]);
    expect(readings.rate(requests)).toBe(20);
  });

  it('count the first event of a series that was not there before', () => {
    const readings = new Readings([
      state(0, instance('a', 0, counted(5))),
      state(2_000, instance('a', 2_000, counted(5, 3))),
    ]);
    expect(readings.growth(requests, (code) => code === '500')).toBe(3);
  });

  it('bridge an answer that is missing, and say nothing of an instance that is gone', () => {
    const before = [state(0, instance('a', 0, counted(0))), state(2_000, lost('a', 2_000))];
    expect(new Readings([...before, state(4_000, instance('a', 4_000, counted(8)))]).rate(requests)).toBe(2);
    expect(new Readings(before).rate(requests)).toBeUndefined();
    expect(new Readings(before).total(depth)).toBeUndefined();
  });

  it('forget what is older than their window', () => {
    const readings = new Readings([
      state(0, instance('a', 0, counted(0))),
      state(60_000, instance('a', 60_000, counted(1_000))),
      state(62_000, instance('a', 62_000, counted(1_010))),
    ]);
    expect(readings.rate(requests)).toBe(5);
    expect(readings.growth(requests)).toBe(1_010);
  });

  it('count once per service what every instance of it shows', () => {
    const readings = new Readings([
      state(
        0,
        instance('a', 0, { depth: { '': 4 } }, 'gateway'),
        instance('b', 0, { depth: { '': 5 } }, 'gateway'),
        instance('c', 0, { depth: { '': 1 } }, 'storage'),
      ),
    ]);
    expect(readings.shared(depth)).toBe(6);
    expect(readings.total(depth)).toBe(10);
    expect(readings.highest(depth)).toBe(5);
    expect(readings.of('b').total(depth)).toBe(5);
  });

  it('take quantiles from the growth of buckets, not from what they hold', () => {
    const slow = { 'latency_bucket by le': { '0.1': 0, '1': 100, '+Inf': 100 } };
    const fast = { 'latency_bucket by le': { '0.1': 50, '1': 150, '+Inf': 150 } };
    const readings = new Readings([state(0, instance('a', 0, slow)), state(2_000, instance('a', 2_000, fast))]);
    expect(readings.quantile(0.5, { metric: 'latency_bucket', by: 'le' })).toBeCloseTo(0.05);
  });
});

describe('the history', () => {
  const { historyMs, historyStates, lookIntervalMs } = CONSOLE_LIMITS;

  it('keeps a quarter of an hour and a bounded number of states', () => {
    const history = new History();
    for (let at = 0; at <= 2 * historyMs; at += lookIntervalMs) history.push(state(at));
    expect(history.states[0]?.at).toBe(historyMs);
    expect(history.states).toHaveLength(historyStates);
    for (let at = 0; at < 2 * historyStates; at += 1) history.push(state(2 * historyMs + at + 1));
    expect(history.states).toHaveLength(historyStates);
  });

  it('takes a state once, and begins again when the clock was put back', () => {
    const history = new History();
    expect([history.push(state(10)), history.push(state(10)), history.push(state(12))]).toEqual([true, false, true]);
    history.push(state(5));
    expect(history.states.map(({ at }) => at)).toEqual([5]);
  });
});
