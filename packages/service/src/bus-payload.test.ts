import { ServiceError, SUBJECTS } from '@macronode/contracts';
import { describe, expect, it } from 'vitest';
import { BusPayload, parseAs } from './bus-payload.ts';

const pipe = BusPayload(SUBJECTS.mailbox.recv);
const transform = (value: unknown): unknown => pipe.transform(value, { type: 'body' });

function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('BusPayload', () => {
  it('gives the parsed payload, defaults filled in', () => {
    expect(transform({ topic: 'a' })).toMatchObject({ topic: 'a', max_messages: 32 });
  });

  it('refuses what does not fit as schema, naming the path and never the value', () => {
    const error = thrownBy(() => transform({ topic: 'hunter2 hunter2', extra: 1 }));
    expect(error).toBeInstanceOf(ServiceError);
    expect(error).toMatchObject({ code: 'schema', message: expect.stringContaining('topic') as string });
    expect(JSON.stringify([String(error), (error as ServiceError).details])).not.toContain('hunter2');
  });

  it('tells a bounded number of issues', () => {
    const error = thrownBy(() =>
      parseAs(SUBJECTS.mailbox.ack.request, { receipts: Array.from({ length: 100 }, () => 1) }),
    );
    expect((error as ServiceError).details).toMatchObject({ issues: { length: 8 } });
  });
});
