import { describe, expect, test } from 'vitest';
import { hashBytes } from '@macronode/content';
import { LIMITS, MailboxAckReply, MailboxRecvReply, MailboxSendReply, type MailboxMessage } from '@macronode/contracts';
import { client, refused } from './client.ts';
import { bytesOf, unique } from './content.ts';
import { poll } from './poll.ts';

const b64 = (text: string | Uint8Array): string => Buffer.from(text).toString('base64');
const SHORT_MS = LIMITS.mailbox_visibility_min_ms.value;

async function send(
  topic: string,
  payload: string | Uint8Array,
  key = unique('key'),
  attrs?: Record<string, string>,
): Promise<MailboxSendReply> {
  const body = { topic, idem_key: key, payload_b64: b64(payload), ...(attrs === undefined ? {} : { attrs }) };
  const reply = await client.json('POST', '/mailbox/send', body);
  expect(reply.status, reply.text).toBe(200);
  return MailboxSendReply.parse(reply.json());
}

async function receive(topic: string, options: Record<string, number> = {}): Promise<MailboxMessage[]> {
  const reply = await client.json('POST', '/mailbox/recv', { topic, visibility_ms: 60_000, ...options });
  expect(reply.status, reply.text).toBe(200);
  return MailboxRecvReply.parse(reply.json()).messages;
}

async function acknowledge(receipts: readonly string[]): Promise<MailboxAckReply['results']> {
  const reply = await client.json('POST', '/mailbox/ack', { receipts });
  expect(reply.status, reply.text).toBe(200);
  return MailboxAckReply.parse(reply.json()).results;
}

async function receiveOne(topic: string, options: Record<string, number> = {}): Promise<MailboxMessage> {
  const [message] = await receive(topic, options);
  if (message === undefined) throw new Error(`nothing to receive in ${topic}`);
  return message;
}

describe('sending', () => {
  test('a message is delivered as sent, with its hash and attributes', async () => {
    const topic = unique('topic');
    const payload = bytesOf(10_000, topic);
    const sent = await send(topic, payload, unique('key'), { kind: 'note', lang: 'en' });
    expect(sent.duplicate).toBe(false);
    const message = await receiveOne(topic);
    expect(message).toMatchObject({
      msg_id: sent.msg_id,
      attempt: 1,
      payload_b64: b64(payload),
      payload_hash: hashBytes(payload),
      attrs: { kind: 'note', lang: 'en' },
    });
    expect(Math.abs(Date.now() - Date.parse(message.ts))).toBeLessThan(60_000);
  });

  test('a repeat of the key answers the first id and makes no second message', async () => {
    const topic = unique('topic');
    const first = await send(topic, 'hello', 'k');
    expect(await send(topic, 'hello', 'k')).toEqual({ msg_id: first.msg_id, duplicate: true });
    expect(await receive(topic, { max_messages: 10 })).toHaveLength(1);
  });

  test('repeats that race each other make one message', async () => {
    const topic = unique('topic');
    const replies = await Promise.all(Array.from({ length: 12 }, () => send(topic, 'hello', 'k')));
    expect(new Set(replies.map(({ msg_id }) => msg_id)).size).toBe(1);
    expect(replies.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
    expect(await receive(topic, { max_messages: 256 })).toHaveLength(1);
  });

  test('the key with another payload is a mismatch; in another topic it is another key', async () => {
    const topic = unique('topic');
    await send(topic, 'hello', 'k');
    const reply = await client.json('POST', '/mailbox/send', { topic, idem_key: 'k', payload_b64: b64('other') });
    expect(refused(reply)).toEqual({ status: 422, code: 'idempotency_mismatch' });
    expect((await send(unique('topic'), 'other', 'k')).duplicate).toBe(false);
  });

  test('the empty payload and the largest one travel; one byte more does not', async () => {
    const topic = unique('topic');
    const largest = bytesOf(LIMITS.mailbox_payload_bytes.value, topic);
    await send(topic, '');
    await send(topic, largest);
    const [empty, full] = await receive(topic, { max_messages: 2 });
    expect(empty?.payload_b64).toBe('');
    expect(full?.payload_hash).toBe(hashBytes(largest));
    const over = Buffer.concat([largest, Buffer.from('123')]);
    const reply = await client.json('POST', '/mailbox/send', { topic, idem_key: 'over', payload_b64: b64(over) });
    expect([400, 413]).toContain(refused(reply).status);
  });

  test('messages come out in the order they went in', async () => {
    const topic = unique('topic');
    const sent: string[] = [];
    for (let i = 0; i < 20; i += 1) sent.push((await send(topic, `message ${i}`)).msg_id);
    const received = await receive(topic, { max_messages: 20 });
    expect(received.map(({ msg_id }) => msg_id)).toEqual(sent);
  });
});

describe('receiving', () => {
  test('an empty topic answers an empty list', async () => {
    expect(await receive(unique('topic'))).toEqual([]);
  });

  test('a leased message is nobody else’s until the lease ends; then it comes again with a new receipt', async () => {
    const topic = unique('topic');
    const { msg_id } = await send(topic, 'work');
    const first = await receiveOne(topic, { visibility_ms: SHORT_MS });
    const again = await poll(async () => (await receive(topic))[0], {
      what: 'the message to be delivered again',
      everyMs: 50,
    });
    expect(again).toMatchObject({ msg_id, attempt: 2 });
    expect(again.receipt).not.toBe(first.receipt);
    expect(await acknowledge([first.receipt, again.receipt])).toEqual(['receipt_stale', 'ok']);
  });

  test('a lease holds while it lasts', async () => {
    const topic = unique('topic');
    await send(topic, 'work');
    await receiveOne(topic, { visibility_ms: 60_000 });
    expect(await receive(topic, { wait_ms: 300 })).toEqual([]);
  });

  test('many receivers share a topic without getting the same message twice', async () => {
    const topic = unique('topic');
    const sent = await Promise.all(Array.from({ length: 60 }, (_, i) => send(topic, `message ${i}`)));
    const batches = await Promise.all(Array.from({ length: 6 }, () => receive(topic, { max_messages: 10 })));
    const received = batches.flat().map(({ msg_id }) => msg_id);
    expect(received.toSorted()).toEqual(sent.map(({ msg_id }) => msg_id).toSorted());
  });

  test('a batch is bounded by count and by bytes', async () => {
    const topic = unique('topic');
    for (let i = 0; i < 5; i += 1) await send(topic, bytesOf(1_000, `${topic}${i}`));
    expect(await receive(topic, { max_messages: 2 })).toHaveLength(2);
    expect(await receive(topic, { max_messages: 10, max_bytes: 2_500 })).toHaveLength(2);
    expect(
      await receive(topic, { max_messages: 10, max_bytes: 1 }),
      'one message always fits, or it would never move',
    ).toHaveLength(1);
  });

  test('a long poll wakes when a message comes', async () => {
    const topic = unique('topic');
    const waiting = receive(topic, { wait_ms: 15_000 });
    const started = performance.now();
    const { msg_id } = await send(topic, 'wake up');
    expect((await waiting).map((message) => message.msg_id)).toEqual([msg_id]);
    expect(performance.now() - started, 'woken, not timed out').toBeLessThan(10_000);
  });

  test('a long poll wakes when a lease ends', async () => {
    const topic = unique('topic');
    const { msg_id } = await send(topic, 'work');
    await receiveOne(topic, { visibility_ms: SHORT_MS });
    expect(await receive(topic, { wait_ms: 15_000 })).toMatchObject([{ msg_id, attempt: 2 }]);
  });

  test('a long poll that is given up takes no message with it', async () => {
    const topic = unique('topic');
    const given = new AbortController();
    const waiting = client.send({
      method: 'POST',
      path: '/mailbox/recv',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ topic, wait_ms: 5_000, visibility_ms: SHORT_MS }),
      signal: given.signal,
    });
    const ended = expect(waiting).rejects.toThrow();
    given.abort();
    await ended;
    const { msg_id } = await send(topic, 'for someone else');
    expect(await receive(topic, { wait_ms: 10_000 })).toMatchObject([{ msg_id }]);
  });
});

describe('acknowledging', () => {
  test('an acknowledged message never comes again, and a repeat is ok', async () => {
    const topic = unique('topic');
    await send(topic, 'work');
    const { receipt } = await receiveOne(topic, { visibility_ms: SHORT_MS });
    expect(await acknowledge([receipt])).toEqual(['ok']);
    expect(await acknowledge([receipt])).toEqual(['ok']);
    expect(await receive(topic, { wait_ms: 2 * SHORT_MS })).toEqual([]);
  });

  test('a receipt nobody gave out is not found, one per receipt in order', async () => {
    const topic = unique('topic');
    await send(topic, 'work');
    const { receipt } = await receiveOne(topic);
    const [made, real] = await acknowledge(['made-up', receipt]);
    expect([made, real]).toEqual(['not_found', 'ok']);
  });

  test('a whole batch is acknowledged at once', async () => {
    const topic = unique('topic');
    const count = 64;
    await Promise.all(Array.from({ length: count }, (_, i) => send(topic, `message ${i}`)));
    const messages = await receive(topic, { max_messages: count });
    expect(messages).toHaveLength(count);
    expect(await acknowledge(messages.map(({ receipt }) => receipt))).toEqual(
      Array.from({ length: count }, () => 'ok'),
    );
  });
});

test.each([
  ['an empty topic', '/mailbox/send', { topic: '', idem_key: 'k', payload_b64: '' }],
  ['a topic with a space', '/mailbox/send', { topic: 'a b', idem_key: 'k', payload_b64: '' }],
  ['a topic too long', '/mailbox/send', { topic: 'a'.repeat(129), idem_key: 'k', payload_b64: '' }],
  ['no key', '/mailbox/send', { topic: 'a', payload_b64: '' }],
  ['an empty key', '/mailbox/send', { topic: 'a', idem_key: '', payload_b64: '' }],
  ['a payload that is not base64', '/mailbox/send', { topic: 'a', idem_key: 'k', payload_b64: '%%%' }],
  ['an unknown field', '/mailbox/send', { topic: 'a', idem_key: 'k', payload_b64: '', extra: 1 }],
  [
    'too many attributes',
    '/mailbox/send',
    {
      topic: 'a',
      idem_key: 'k',
      payload_b64: '',
      attrs: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`k${i}`, 'v'])),
    },
  ],
  ['no message at all', '/mailbox/recv', { topic: 'a', max_messages: 0 }],
  ['too many messages', '/mailbox/recv', { topic: 'a', max_messages: 257 }],
  ['half a message', '/mailbox/recv', { topic: 'a', max_messages: 1.5 }],
  ['a number as text', '/mailbox/recv', { topic: 'a', max_messages: '1' }],
  ['too short a lease', '/mailbox/recv', { topic: 'a', visibility_ms: 249 }],
  ['too long a lease', '/mailbox/recv', { topic: 'a', visibility_ms: 43_200_001 }],
  ['too long a wait', '/mailbox/recv', { topic: 'a', wait_ms: 20_001 }],
  ['a negative wait', '/mailbox/recv', { topic: 'a', wait_ms: -1 }],
  ['no receipts', '/mailbox/ack', { receipts: [] }],
  ['too many receipts', '/mailbox/ack', { receipts: Array.from({ length: 257 }, () => 'r') }],
  ['a receipt too long', '/mailbox/ack', { receipts: ['r'.repeat(257)] }],
  ['receipts that are no list', '/mailbox/ack', { receipts: 'r' }],
])('%s is refused', async (_what, path, body) => {
  expect(refused(await client.json('POST', path, body))).toEqual({ status: 400, code: 'schema' });
});
