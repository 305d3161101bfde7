import { hashBytes } from '@macronode/content';
import { LIMITS, MailboxMessage, MailboxRecvRequest, MailboxSendReply } from '@macronode/contracts';
import { MetricsRegistry } from '@macronode/metrics';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Caller, MailboxSettings } from './mailbox.service.ts';
import { MailboxService } from './mailbox.service.ts';
import { ManualClock } from './manual-clock.ts';
import { mailboxMetrics } from './metrics.ts';
import { SqliteMessageStore } from './sqlite-message.store.ts';

const SETTINGS: MailboxSettings = {
  topicDepth: 3,
  storeBytes: 1_000_000,
  maxAttempts: 2,
  dedupWindowMs: 300_000,
  retentionMs: 1_000_000_000,
  deadRetentionMs: 1_000_000_000,
  maxWaiters: 2,
  sweepLimit: 100,
};

const caller = (signal = new AbortController().signal, remaining = 25_000): Caller => ({
  signal,
  remainingMs: () => remaining,
  parked: (wait) => wait,
});
const recv = (fields: Partial<MailboxRecvRequest> = {}) => MailboxRecvRequest.parse({ topic: 't', ...fields });
const send = (idem_key: string, text = idem_key, topic = 't') => ({
  topic,
  idem_key,
  payload_b64: Buffer.from(text).toString('base64'),
});
const code = (expected: string, reason?: string) =>
  expect.objectContaining(reason === undefined ? { code: expected } : { code: expected, reason });

describe('MailboxService', () => {
  let clock: ManualClock;
  let store: SqliteMessageStore;
  let registry: MetricsRegistry;
  let service: MailboxService;

  beforeEach(async () => {
    clock = new ManualClock();
    registry = new MetricsRegistry();
    const scope = registry.scope({ service: 'mailbox' });
    store = await SqliteMessageStore.open({ location: 'memory', metrics: scope, clock });
    service = new MailboxService({ store, clock, settings: SETTINGS, metrics: scope.bind(mailboxMetrics) });
  });
  afterEach(() => store.close());

  it('sends, receives and acknowledges', async () => {
    const sent = await service.send({ ...send('k', 'hello'), attrs: { kind: 'greeting' } });
    expect(MailboxSendReply.parse(sent)).toEqual({ msg_id: sent.msg_id, duplicate: false });
    const { messages } = await service.recv(recv(), caller());
    expect(messages.map((message) => MailboxMessage.parse(message))).toEqual([
      {
        msg_id: sent.msg_id,
        receipt: messages[0]?.receipt,
        attempt: 1,
        ts: '2030-01-01T00:00:00.000Z',
        payload_b64: Buffer.from('hello').toString('base64'),
        payload_hash: hashBytes(Buffer.from('hello')),
        attrs: { kind: 'greeting' },
      },
    ]);
    const receipts = [messages[0]?.receipt ?? '', 'nonsense', messages[0]?.receipt ?? ''];
    expect(await service.ack({ receipts })).toEqual({ results: ['ok', 'not_found', 'ok'] });
    expect(await service.ack({ receipts: ['x'] })).toEqual({ results: ['not_found'] });
  });

  it('answers a repeated key with the first id, and refuses it with another payload', async () => {
    const first = await service.send(send('k', 'one'));
    expect(await service.send(send('k', 'one'))).toEqual({ msg_id: first.msg_id, duplicate: true });
    await expect(service.send(send('k', 'two'))).rejects.toEqual(code('idempotency_mismatch'));
  });

  it('refuses above the bound of a topic, and says when to come back', async () => {
    for (const key of ['a', 'b', 'c']) await service.send(send(key));
    await expect(service.send(send('d'))).rejects.toMatchObject({
      code: 'saturated',
      reason: 'topic_depth',
      retryAfterMs: 1_000,
    });
    await service.send(send('d', 'd', 'other'));
    const big = 'x'.repeat(LIMITS.mailbox_payload_bytes.value);
    for (const key of ['e', 'f', 'g', 'h']) {
      await service.send(send(key, big, key)).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'busy', reason: 'store_bytes' });
      });
    }
    expect(await registry.render()).toMatch(/mailbox_saturated_total\{[^}]*bound="store_bytes"[^}]*\} 1/);
    await expect(service.send(send('i', `${big}x`))).rejects.toEqual(code('too_large'));
  });

  it('delivers again after the visibility, then buries', async () => {
    await service.send(send('k'));
    const first = await service.recv(recv({ visibility_ms: 500 }), caller());
    clock.advance(500);
    await service.sweep();
    const again = await service.recv(recv({ visibility_ms: 500 }), caller());
    expect(again.messages).toMatchObject([{ attempt: 2, msg_id: first.messages[0]?.msg_id }]);
    const late = await service.ack({ receipts: [first.messages[0]?.receipt ?? ''] });
    expect(late).toEqual({ results: ['receipt_stale'] });
    clock.advance(500);
    await service.sweep();
    expect((await service.recv(recv(), caller())).messages).toEqual([]);
    const text = await registry.render();
    expect(text).toMatch(/mailbox_dlq_total\{[^}]*reason="max_attempts"[^}]*\} 1/);
    expect(text).toMatch(/mailbox_visibility_timeout_total\{[^}]*\} 2/);
    expect(text).toMatch(/mailbox_redelivered_total\{[^}]*\} 1/);
    expect(text).toMatch(/queue_depth\{[^}]*queue="dead"[^}]*\} 1/);
  });

  it('wakes a long poll when a message comes', async () => {
    const polls = [1, 2].map(() => service.recv(recv({ wait_ms: 20_000, max_messages: 1 }), caller()));
    await service.send(send('a'));
    await service.send(send('b'));
    const received = (await Promise.all(polls)).flatMap(({ messages }) => messages);
    expect(received.map(({ payload_b64 }) => Buffer.from(payload_b64, 'base64').toString()).sort()).toEqual(['a', 'b']);
    expect(await registry.render()).toMatch(/mailbox_waiters\{[^}]*\} 0/);
  });

  it('wakes a long poll when a lease runs out', async () => {
    await service.send(send('a'));
    await service.recv(recv({ visibility_ms: 500 }), caller());
    const poll = service.recv(recv({ wait_ms: 20_000 }), caller());
    clock.advance(500);
    await service.sweep();
    expect((await poll).messages).toMatchObject([{ attempt: 2 }]);
  });

  it('ends a long poll with an empty answer: in time, when its caller goes, when the instance closes', async () => {
    expect(await service.recv(recv({ wait_ms: 1 }), caller())).toEqual({ messages: [] });
    expect(await service.recv(recv({ wait_ms: 20_000 }), caller(undefined, 200))).toEqual({ messages: [] });
    const gone = new AbortController();
    const poll = service.recv(recv({ wait_ms: 20_000 }), caller(gone.signal));
    gone.abort();
    expect(await poll).toEqual({ messages: [] });
    const closing = service.recv(recv({ wait_ms: 20_000 }), caller());
    service.dismiss();
    expect(await closing).toEqual({ messages: [] });
  });

  it('gives its place back and leaves nothing waiting when it may not be parked', async () => {
    const refused = { ...caller(), parked: () => Promise.reject(new Error('no room')) };
    await expect(service.recv(recv({ wait_ms: 20_000 }), refused)).rejects.toThrow('no room');
    expect(await registry.render()).toMatch(/mailbox_waiters\{[^}]*\} 0/);
  });

  it('bounds the long polls, and still answers one that need not wait', async () => {
    const polls = [1, 2].map(() => service.recv(recv({ wait_ms: 20_000, topic: 'idle' }), caller()));
    await expect(service.recv(recv({ wait_ms: 20_000 }), caller())).rejects.toEqual(code('busy', 'waiters'));
    await service.send(send('a'));
    expect((await service.recv(recv({ wait_ms: 20_000 }), caller())).messages).toHaveLength(1);
    service.dismiss();
    await Promise.all(polls);
  });
});
