import { describe, expect, it } from 'vitest';
import { BusOutcomeUnknown, BusOverflow, BusUnavailable } from '../errors.ts';
import { backoffMs, loopFault, RedisNotSent, RedisReadStuck, retryAfterFull, writeFailure } from './redis-failures.ts';
import { idAfter, idMs } from './redis-replies.ts';

const reply = (message: string): Error => Object.assign(new Error(message), { name: 'ReplyError' });

describe('a failed write', () => {
  it.each([
    [new RedisNotSent('not ready'), BusUnavailable],
    [new Error("Stream isn't writeable and enableOfflineQueue options is false"), BusUnavailable],
    [reply('LOADING Redis is loading the dataset in memory'), BusUnavailable],
    [reply("READONLY You can't write against a read only replica."), BusUnavailable],
    [reply('CLUSTERDOWN The cluster is down'), BusUnavailable],
    [reply("OOM command not allowed when used memory > 'maxmemory'."), BusOverflow],
    [new Error('Command timed out'), BusOutcomeUnknown],
    [new Error('Connection is closed.'), BusOutcomeUnknown],
    [new Error('Reached the max retries per request limit (which is 0).'), BusOutcomeUnknown],
    [Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }), BusOutcomeUnknown],
  ])('%s says honestly whether it may have taken effect', (error, expected) => {
    const failure = writeFailure(error);
    expect(failure).toBeInstanceOf(expected);
    expect(failure.retryAfterMs).toBeGreaterThan(0);
  });

  it('keeps what is already an answer of the bus', () => {
    const error = new BusOverflow('stream', 70);
    expect(writeFailure(error)).toBe(error);
  });
});

describe('a fault of a read loop', () => {
  it.each([
    [reply("NOGROUP No such key 'x' or consumer group 'y' in XREADGROUP with GROUP option"), 'no_group'],
    [reply('UNBLOCKED the stream key no longer exists'), 'unblocked'],
    [reply('LOADING Redis is loading the dataset in memory'), 'loading'],
    [reply("READONLY You can't write against a read only replica."), 'readonly'],
    [reply('OOM command not allowed'), 'out_of_memory'],
    [reply('MOVED 3999 127.0.0.1:6381'), 'cluster'],
    [reply('BUSY Redis is busy running a script.'), 'busy_script'],
    [reply('ERR something new'), 'other'],
    [new RedisReadStuck('no answer'), 'watchdog'],
    [new Error('Connection is closed.'), 'connection'],
  ])('%s has its class', (error, expected) => {
    expect(loopFault(error)).toBe(expected);
  });
});

describe('waiting times', () => {
  it('are bounded and never the same for all', () => {
    for (let attempt = 1; attempt < 30; attempt++) {
      const ms = backoffMs(attempt);
      expect(ms).toBeGreaterThanOrEqual(50);
      expect(ms).toBeLessThanOrEqual(5_000);
    }
    expect(new Set(Array.from({ length: 50 }, () => backoffMs(8))).size).toBeGreaterThan(10);
  });

  it('of a full stream follow how fast it drains', () => {
    for (const [held, rate] of [
      [0, 0],
      [8_192, 0],
      [100, 1e6],
      [8_192, 1],
      [1_000, 1_000],
    ] as const) {
      const ms = retryAfterFull(held, rate);
      expect(ms).toBeGreaterThanOrEqual(50);
      expect(ms).toBeLessThanOrEqual(5_000);
    }
    expect(retryAfterFull(1_000, 10_000)).toBeLessThan(retryAfterFull(8_000, 2_000));
  });
});

describe('entry ids', () => {
  it('are taken apart and counted on without losing digits', () => {
    expect(idMs('1763781600123-7')).toBe(1_763_781_600_123);
    expect(idAfter('1763781600123-7')).toBe('1763781600123-8');
    expect(idAfter('1763781600123-9007199254740993')).toBe('1763781600123-9007199254740994');
  });
});
