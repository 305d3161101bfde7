import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Holders } from './holders.ts';
import { MetricsRegistry } from './registry.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

test('the oldest is the first that has not left', () => {
  const holders = new Holders();
  expect(holders.oldestMs()).toBeUndefined();
  const first = holders.enter();
  vi.advanceTimersByTime(30);
  const second = holders.enter();
  vi.advanceTimersByTime(10);
  expect([holders.size, holders.oldestMs()]).toEqual([2, 40]);
  holders.leave(first);
  expect([holders.size, holders.oldestMs()]).toEqual([1, 10]);
  holders.leave(second);
  expect([holders.size, holders.oldestMs()]).toEqual([0, undefined]);
});

test('who leaves twice, from the middle or the end, takes nobody along', () => {
  const holders = new Holders();
  const [a, b, c] = [holders.enter('a'), holders.enter('b'), holders.enter('c')];
  holders.leave(b);
  holders.leave(b);
  holders.leave(c);
  expect([...holders.byLabel().keys()]).toEqual(['a']);
  holders.enter('d');
  expect(holders.size).toBe(2);
  holders.leave(a);
  expect([...holders.byLabel().keys()]).toEqual(['d']);
});

test('holders are told apart by what they are', () => {
  const holders = new Holders();
  holders.enter('read');
  vi.advanceTimersByTime(5);
  holders.enter('write');
  holders.enter('read');
  expect(Object.fromEntries(holders.byLabel())).toEqual({
    read: { count: 2, oldestMs: 5 },
    write: { count: 1, oldestMs: 0 },
  });
});

test('a registry answers what its services show, until they stop', () => {
  const registry = new MetricsRegistry();
  const stop = registry.scope({ service: 'index' }).occupied(() => [{ kind: 'queue', name: 'commands', held: 2 }]);
  expect(registry.occupancies()).toEqual([{ service: 'index', kind: 'queue', name: 'commands', held: 2 }]);
  stop();
  expect(registry.occupancies()).toEqual([]);
});
