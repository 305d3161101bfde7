import { describe, expect, it } from 'vitest';
import { DEAD_LETTER_LIMITS } from '../dead-letters.ts';
import { MemoryDeadLetters } from './memory-dead-letters.ts';

const bury = (letters: MemoryDeadLetters, bytes: number): void =>
  letters.keep({
    service: 'b',
    kind: 'work',
    name: 'topic',
    lane: 'none',
    reason: 'rejected',
    attempts: 1,
    consumer: 'b.1',
    corrId: '',
    traceparent: '',
    frames: 1,
    entry: new Uint8Array(bytes),
  });

const make = (maxEntries: number, maxBytes: number): { letters: MemoryDeadLetters; dropped: () => number } => {
  let dropped = 0;
  const letters = new MemoryDeadLetters({
    maxEntries,
    maxBytes,
    append: () => undefined,
    onDropped: (n) => (dropped += n),
  });
  return { letters, dropped: () => dropped };
};

describe('dead letters in memory', () => {
  it('are bounded in number, the oldest dropped and counted', async () => {
    const { letters, dropped } = make(3, 1_000);
    for (let n = 1; n <= 5; n += 1) bury(letters, n);
    expect((await letters.list()).letters.map(({ bytes }) => bytes)).toEqual([3, 4, 5]);
    expect([letters.entries, letters.bytes, dropped()]).toEqual([3, 12, 2]);
  });

  it('are bounded in bytes', async () => {
    const { letters, dropped } = make(100, 10);
    for (const bytes of [4, 4, 4, 9]) bury(letters, bytes);
    expect((await letters.list()).letters.map(({ bytes }) => bytes)).toEqual([9]);
    expect([letters.bytes, dropped()]).toEqual([9, 3]);
  });

  it('end a page early once enough bytes were passed', async () => {
    const { letters } = make(100, 100 * DEAD_LETTER_LIMITS.passedBytes);
    for (let n = 0; n < 3; n += 1) bury(letters, DEAD_LETTER_LIMITS.passedBytes);
    const first = await letters.list();
    expect(first.letters).toHaveLength(1);
    const second = await letters.list({ after: first.next });
    const third = await letters.list({ after: second.next });
    expect([second.letters.length, third.letters.length, third.next]).toEqual([1, 1, undefined]);
  });
});
