import { MetricsRegistry } from '@macronode/metrics';
import { systemClock } from './clock.ts';
import { MailboxService } from './mailbox.service.ts';
import type { Caller } from './mailbox.service.ts';
import { mailboxMetrics } from './metrics.ts';
import { SqliteMessageStore } from './sqlite-message.store.ts';

/**
 * Sends, receives and acknowledges as fast as it can, and writes a line about each answer it got: `S <msg_id>` for a
 * message accepted, `A <msg_id>` for one acknowledged. `crash.test.ts` kills it in the middle.
 */
const [file = '', round = ''] = process.argv.slice(2);
const scope = new MetricsRegistry().scope({ service: 'mailbox' });
const store = await SqliteMessageStore.open({ location: { file }, metrics: scope });
const settings = {
  topicDepth: 1_000_000,
  storeBytes: 1_000_000_000,
  maxAttempts: 1_000,
  dedupWindowMs: 300_000,
  retentionMs: 1_000_000_000,
  deadRetentionMs: 1_000_000_000,
  maxWaiters: 1,
  sweepLimit: 100,
};
const service = new MailboxService({ store, clock: systemClock, settings, metrics: scope.bind(mailboxMetrics) });
const say = (line: string): boolean => process.stdout.write(`${line}\n`);

async function sendAll(worker: number): Promise<void> {
  for (let i = 0; ; i += 1) {
    const { msg_id } = await service.send({ topic: 't', idem_key: `${round}-${worker}-${i}`, payload_b64: 'AAAA' });
    say(`S ${msg_id}`);
  }
}

async function receiveAll(): Promise<void> {
  const caller: Caller = {
    signal: new AbortController().signal,
    remainingMs: () => 5_000,
    parked: (wait) => wait,
  };
  const request = { topic: 't', max_messages: 3, max_bytes: 1_000, visibility_ms: 60_000, wait_ms: 1_000 };
  for (;;) {
    const { messages } = await service.recv(request, caller);
    for (const { msg_id } of messages) say(`D ${msg_id}`);
    if (messages.length === 0) continue;
    await service.ack({ receipts: messages.map(({ receipt }) => receipt) });
    for (const { msg_id } of messages) say(`A ${msg_id}`);
  }
}

await Promise.all([sendAll(0), sendAll(1), sendAll(2), receiveAll()]);
