import { describe, expect, it } from 'vitest';
import { EventFields, type SentEvent } from './event-fields.ts';

function read(text: string, lastEventId = '', max = 100): { events: SentEvent[]; retryMs: number | undefined } {
  const fields = new EventFields(max, lastEventId);
  const events = text.split('\n').flatMap((line) => fields.take(line) ?? []);
  return { events, retryMs: fields.retryMs };
}

describe('the lines of an event stream', () => {
  it('become events, one for each blank line that ends one with data', () => {
    const text =
      'retry: 2000\n\n:\n\nevent: commit\nid: 7\ndata: {"a":1}\n\ndata:x\ndata: y\n\nid: 9\n\nevent: none\n\n';
    expect(read(text, '5')).toEqual({
      retryMs: 2_000,
      events: [
        { event: 'commit', data: '{"a":1}', lastEventId: '7' },
        { event: 'message', data: 'x\ny', lastEventId: '7' },
      ],
    });
  });

  it('may end as on other systems, and carry fields nobody knows', () => {
    expect(read('id\r\nnew: 1\r\ndata: a\r\n\r\n', '5').events).toEqual([
      { event: 'message', data: 'a', lastEventId: '' },
    ]);
    expect(read('id: a\0b\nretry: soon\ndata\ndata: \n\n', '5')).toEqual({
      retryMs: undefined,
      events: [{ event: 'message', data: '\n', lastEventId: '5' }],
    });
  });

  it('may hold data without a character, and that is an event', () => {
    expect(read('event: lag\ndata\n\n').events).toEqual([{ event: 'lag', data: '', lastEventId: '' }]);
  });

  it('say nothing when they are comments, also in an event', () => {
    expect(read(': alive\ndata: a\n:\n\n').events).toEqual([{ event: 'message', data: 'a', lastEventId: '' }]);
    expect([': alive', ':', '', 'data: :', 'retry: 1'].map((line) => EventFields.isComment(line))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });

  it('do not make an event without a bound', () => {
    expect(() => read(`${'data: 0123456789\n'.repeat(11)}\n`)).toThrow(RangeError);
    expect(() => read('data\n'.repeat(101))).toThrow(RangeError);
    expect(read(`${'data: 0123456789\n\n'.repeat(11)}\n`).events).toHaveLength(11);
  });
});
