import { MetricsRegistry } from '@macronode/metrics';
import { expect, test } from 'vitest';
import { DEFAULT_BUS_LIMITS } from './bus-limits.ts';
import { type ClientCall, ClientCalls } from './client-calls.ts';
import { ManualClock } from './clock.ts';
import { DeadlineWheel } from './deadline-wheel.ts';
import { BusDeadline, BusOverflow } from './errors.ts';
import { busMetrics } from './metrics.ts';
import { frame, KIND } from './wire/frame.ts';

function setUp(inflightCalls: number) {
  const clock = new ManualClock();
  const metrics = new MetricsRegistry().scope({ service: 'test' }).bind(busMetrics);
  const calls = new ClientCalls({ ...DEFAULT_BUS_LIMITS, inflightCalls }, clock, new DeadlineWheel(clock), metrics);
  const ends: unknown[] = [];
  const end = (value: unknown): void => void ends.push(value);
  const open = (deadlineAt: number): ClientCall =>
    calls.open({
      subject: 'echo.say',
      deadlineAt,
      bytes: 10,
      signal: undefined,
      onReply: () => 'answered',
      resolve: end,
      reject: end,
    });
  return { clock, calls, ends, open };
}

test('a call that waits long keeps its number while any number of others come and go', () => {
  const { calls, ends, open } = setUp(3);
  const long = open(60_000);
  const numbers = new Set([long.number]);
  for (let i = 0; i < 1_000; i += 1) {
    const call = open(1_000);
    numbers.add(call.number);
    expect(calls.get(call.number)).toBe(call);
    expect(calls.get(long.number)).toBe(long);
    calls.succeed(call, frame(KIND.REP, { call: call.number }));
    expect(calls.get(call.number)).toBeUndefined();
  }
  expect(numbers.size).toBe(1_001);
  expect(ends).toEqual(Array.from({ length: 1_000 }, () => 'answered'));
  expect(calls.size).toBe(1);
});

test('an answer to a number that was never given, or whose place another call has, finds no call', () => {
  const { calls, open } = setUp(2);
  const call = open(1_000);
  for (const stranger of [call.number + 1, call.number + 4, call.number + 4_096, 0xffffffff]) {
    expect(calls.get(stranger)).toBeUndefined();
  }
});

test('the gate opens as often as calls end, by an answer, a deadline or an abort of all', () => {
  const { clock, calls, ends, open } = setUp(2);
  const first = open(100);
  open(200);
  expect(() => open(300)).toThrow(BusOverflow);
  clock.advance(150);
  expect(ends).toEqual([expect.any(BusDeadline)]);
  calls.succeed(first, frame(KIND.REP, { call: first.number }));
  expect(ends.length).toBe(1);
  open(300);
  calls.failAll(new Error('closed'));
  expect(ends.length).toBe(3);
  expect(calls.size).toBe(0);
});
