import { expect, test } from 'vitest';
import type { SentEvent } from '@macronode/content';
import { streamEvents } from './event-stream.ts';

async function eventsOf(...chunks: readonly string[]): Promise<(SentEvent | undefined)[]> {
  const events: (SentEvent | undefined)[] = [];
  const source = async function* (): AsyncGenerator<Uint8Array> {
    for (const chunk of chunks) yield Buffer.from(chunk);
  };
  for await (const event of streamEvents(source())) events.push(event);
  return events;
}

test('events are read whatever the chunks, and whatever ends their lines', async () => {
  const text = 'retry: 2000\n\n: alive\n\nid: 7\nevent: commit\ndata: {"version":7}\n\nevent: lag\r\ndata: {}\r\n\r\n';
  const expected = [
    undefined,
    { event: 'commit', data: '{"version":7}', lastEventId: '7' },
    { event: 'lag', data: '{}', lastEventId: '7' },
  ];
  expect(await eventsOf(text)).toEqual(expected);
  expect(await eventsOf(...text)).toEqual(expected);
});

test('data of several lines is one text, without a type it is a message, and a field may stand without a value', async () => {
  expect(await eventsOf('data: a\ndata\ndata:  b\n\n')).toEqual([
    { event: 'message', data: 'a\n\n b', lastEventId: '' },
  ]);
});

test('a comment is told as a sign of life, also in an event', async () => {
  expect(await eventsOf(': alive\ndata: a\n:\n\n')).toEqual([
    undefined,
    undefined,
    { event: 'message', data: 'a', lastEventId: '' },
  ]);
});

test('an event without end is not held for ever', async () => {
  const line = `data: ${'x'.repeat(1_000)}\n`;
  expect(await eventsOf(line.repeat(60), '\n')).toHaveLength(1);
  await expect(eventsOf(line.repeat(70))).rejects.toThrow(/over 65536 characters/);
  await expect(eventsOf('x'.repeat(70_000))).rejects.toThrow(/a line of the answer is over 65536 bytes/);
});

test('an event that has no end did not happen', async () => {
  expect(await eventsOf('event: commit\ndata: {}\n')).toEqual([]);
});
