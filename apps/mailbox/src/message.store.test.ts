import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MetricsRegistry } from '@macronode/metrics';
import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock } from './manual-clock.ts';
import { describeMessageStore } from './message.store.conformance.ts';
import { SqliteMessageStore } from './sqlite-message.store.ts';

const cleanup: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

function newFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'messages-'));
  cleanup.push(async () => Promise.resolve(rmSync(folder, { recursive: true, force: true })));
  return join(folder, 'mailbox.db');
}

async function open(location: { file: string } | 'memory', clock = new ManualClock()): Promise<SqliteMessageStore> {
  const metrics = new MetricsRegistry().scope({ service: 'mailbox' });
  const store = await SqliteMessageStore.open({ location, metrics, clock });
  cleanup.push(() => store.close());
  return store;
}

describeMessageStore('memory', () => open('memory'));
describeMessageStore('a file', () => open({ file: newFile() }));

describe('messages in a file', () => {
  it('are there after a restart: leases begin anew in full, and receipts stay valid', async () => {
    const file = newFile();
    const before = await open({ file });
    const sending = { topic: 't', attrs: '{}', now: 1, dedupWindowMs: 10, topicDepth: 9, storeBytes: 1_000 };
    for (const key of ['a', 'b']) {
      await before.send({ ...sending, msgId: key, idemKey: key, payload: Buffer.from(key), payloadHash: key });
    }
    const leasing = { topic: 't', maxMessages: 1, maxBytes: 1_000, visibilityMs: 500, wallNow: 1, maxAttempts: 5 };
    const { messages } = await before.lease({ ...leasing, now: 1_000_000 });
    const key = before.receiptKey;
    await before.close();

    // The monotonic clock of the new process starts again near nothing.
    const clock = new ManualClock();
    const after = await open({ file }, clock);
    const started = clock.monotonicMs();
    expect(Buffer.from(after.receiptKey).equals(Buffer.from(key))).toBe(true);
    expect(after.census()).toMatchObject({ accepted: 2, ready: 1, inflight: 1 });
    expect((await after.lease({ ...leasing, now: started + 499 })).messages).toMatchObject([{ msgId: 'b' }]);
    expect(await after.ack({ deliveries: messages, now: started + 499, wallNow: 1 })).toEqual(['done']);
  });
});
