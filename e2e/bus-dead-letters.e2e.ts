import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { BusDeadLetterList, BusDeadLetterShown } from '@macronode/contracts';
import { askAdmin, dlq } from './admin.ts';
import { poll } from './poll.ts';
import { ownRedis } from './target.ts';

test('what no service can read is put aside, shown, replayed and dropped', async () => {
  const redis = new Redis(ownRedis().url, { maxRetriesPerRequest: 3 });
  try {
    await redis.xadd('bus:{b0}:rq:mailbox:fast', '*', 'n', '1', 'f', 'not a frame');
    const list = async (): Promise<BusDeadLetterList> =>
      BusDeadLetterList.parse((await askAdmin('/admin/bus/dlq?service=mailbox')).json());
    const first = await poll(async () => (await list()).letters[0], { what: 'the dead letter' });
    expect(first).toMatchObject({ service: 'mailbox', kind: 'request', reason: 'malformed', attempts: 1, bytes: 11 });
    const shown = BusDeadLetterShown.parse((await askAdmin(`/admin/bus/dlq/mailbox/${first.id}`)).json());
    expect(Buffer.from(shown.entry_b64, 'base64').toString()).toBe('not a frame');
    // Replayed it fails again, as a letter of its own.
    expect(await dlq('replay', first.id, '--service', 'mailbox')).toMatchObject({ code: 0, out: '1 replayed\n' });
    await poll(async () => (await list()).letters.find(({ id }) => id !== first.id), { what: 'the second letter' });
    expect(await dlq('drop', '--all', '--service', 'mailbox')).toMatchObject({ code: 0, out: '1 dropped\n' });
    expect((await list()).letters).toEqual([]);
    expect(await redis.exists('bus:{b0}:dl:mailbox')).toBe(0);
  } finally {
    redis.disconnect();
  }
});
