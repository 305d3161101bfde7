import { beforeEach, describe, expect, it } from 'vitest';
import type { Acked, LeaseResult, Leasing, MessageStore, Sending, Sweeping } from './message.store.ts';

const WALL = 1_900_000_000_000;
const WINDOW = 300_000;

const sending = (key: string, fields: Partial<Sending> = {}): Sending => ({
  msgId: `id-${key}`,
  topic: 't',
  idemKey: key,
  payload: Buffer.from(`payload ${key}`),
  payloadHash: `hash ${key}`,
  attrs: '{}',
  now: WALL,
  dedupWindowMs: WINDOW,
  topicDepth: 100,
  storeBytes: 1_000_000,
  ...fields,
});

const leasing = (fields: Partial<Leasing> = {}): Leasing => ({
  topic: 't',
  maxMessages: 10,
  maxBytes: 1_000_000,
  visibilityMs: 1_000,
  now: 0,
  wallNow: WALL,
  maxAttempts: 3,
  ...fields,
});

const sweeping = (fields: Partial<Sweeping> = {}): Sweeping => ({
  now: 0,
  wallNow: WALL,
  maxAttempts: 3,
  dedupWindowMs: WINDOW,
  retentionMs: 1_000_000,
  deadRetentionMs: 2_000_000,
  limit: 100,
  ...fields,
});

const ids = (result: LeaseResult): string[] => result.messages.map(({ msgId }) => msgId);

/** What every driver of messages must do. `open` answers an empty store, closed by the caller's own teardown. */
export function describeMessageStore(driver: string, open: () => Promise<MessageStore>): void {
  describe(`messages in ${driver}`, () => {
    let store: MessageStore;
    beforeEach(async () => {
      store = await open();
    });

    const ackAll = (result: LeaseResult, now = 0): Promise<readonly Acked[]> =>
      store.ack({ deliveries: result.messages, now, wallNow: WALL });

    it('delivers what was sent, as it was sent, in order of acceptance per topic', async () => {
      for (const key of ['a', 'b', 'c']) await store.send(sending(key, { attrs: '{"k":"v"}' }));
      await store.send(sending('x', { topic: 'u' }));
      const leased = await store.lease(leasing());
      expect(ids(leased)).toEqual(['id-a', 'id-b', 'id-c']);
      const [first] = leased.messages;
      expect(first).toMatchObject({ attempt: 1, ts: WALL, payloadHash: 'hash a', attrs: '{"k":"v"}' });
      expect(Buffer.from(first?.payload ?? []).toString()).toBe('payload a');
      expect(ids(await store.lease(leasing()))).toEqual([]);
      expect(ids(await store.lease(leasing({ topic: 'u' })))).toEqual(['id-x']);
    });

    it('keeps the empty payload and every byte', async () => {
      const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
      await store.send(sending('empty', { payload: new Uint8Array() }));
      await store.send(sending('bytes', { payload: bytes }));
      const { messages } = await store.lease(leasing());
      expect(messages.map(({ payload }) => Buffer.from(payload).toString('hex'))).toEqual([
        '',
        Buffer.from(bytes).toString('hex'),
      ]);
    });

    it('answers a repeat of the key inside the window with the first id', async () => {
      const accepted = await store.send(sending('a'));
      expect(accepted).toEqual({ outcome: 'accepted', msgId: 'id-a' });
      const repeat = sending('a', { msgId: 'other', now: WALL + WINDOW - 1 });
      expect(await store.send(repeat)).toEqual({ outcome: 'duplicate', msgId: 'id-a' });
      expect(await store.send({ ...repeat, payloadHash: 'else' })).toEqual({ outcome: 'mismatch' });
      expect(await store.send(sending('a', { topic: 'u', msgId: 'u' }))).toMatchObject({ outcome: 'accepted' });
      await ackAll(await store.lease(leasing()));
      expect(await store.send(repeat)).toEqual({ outcome: 'duplicate', msgId: 'id-a' });
      expect(await store.send({ ...repeat, now: WALL + WINDOW })).toEqual({ outcome: 'accepted', msgId: 'other' });
      expect(await store.send({ ...repeat, now: WALL + WINDOW })).toEqual({ outcome: 'duplicate', msgId: 'other' });
    });

    it('gives the concurrent senders of one key one message', async () => {
      const senders = Array.from({ length: 20 }, (_, i) => store.send(sending('a', { msgId: `try-${i}` })));
      const sent = await Promise.all(senders);
      expect(sent.filter(({ outcome }) => outcome === 'accepted')).toHaveLength(1);
      expect(new Set(sent.map((one) => ('msgId' in one ? one.msgId : '')))).toHaveProperty('size', 1);
      expect(ids(await store.lease(leasing()))).toHaveLength(1);
    });

    it('bounds a topic and the whole store, and answers repeats all the same', async () => {
      await store.send(sending('a', { topicDepth: 1 }));
      expect(await store.send(sending('b', { topicDepth: 1 }))).toEqual({ outcome: 'depth' });
      expect(await store.send(sending('a', { topicDepth: 1 }))).toMatchObject({ outcome: 'duplicate' });
      expect(await store.send(sending('b', { topic: 'u', topicDepth: 1 }))).toMatchObject({ outcome: 'accepted' });
      expect(await store.send(sending('c', { storeBytes: 20 }))).toEqual({ outcome: 'bytes' });
      await ackAll(await store.lease(leasing()));
      expect(await store.send(sending('b', { topicDepth: 1 }))).toMatchObject({ outcome: 'accepted' });
    });

    it('stops at the bytes asked for, but never before the first message', async () => {
      for (const key of ['a', 'b', 'c']) await store.send(sending(key, { payload: new Uint8Array(100) }));
      expect(ids(await store.lease(leasing({ maxBytes: 1 })))).toEqual(['id-a']);
      expect(ids(await store.lease(leasing({ maxBytes: 300, maxMessages: 1 })))).toEqual(['id-b']);
      expect(ids(await store.lease(leasing({ maxBytes: 300 })))).toEqual(['id-c']);
    });

    it('delivers again when a lease runs out, before younger messages', async () => {
      await store.send(sending('a'));
      await store.send(sending('b'));
      const first = await store.lease(leasing({ maxMessages: 1 }));
      expect(ids(await store.lease(leasing({ now: 999, maxMessages: 1 })))).toEqual(['id-b']);
      const again = await store.lease(leasing({ now: 1_000 }));
      expect(again).toMatchObject({ timedOut: 1, dead: 0 });
      expect(again.messages).toMatchObject([{ msgId: 'id-a', attempt: 2 }]);
      expect(await ackAll(first, 1_000)).toEqual(['receipt_stale']);
      expect(await ackAll(again, 1_000)).toEqual(['done']);
    });

    it('acknowledges once, answers repeats, and refuses every other receipt', async () => {
      await store.send(sending('a'));
      const leased = await store.lease(leasing());
      const [delivery] = leased.messages;
      if (delivery === undefined) throw new Error('nothing leased');
      const next = { lsn: delivery.lsn, attempt: delivery.attempt + 1 };
      expect(await store.ack({ deliveries: [next], now: 0, wallNow: WALL })).toEqual(['receipt_stale']);
      expect(await ackAll(leased, 999)).toEqual(['done']);
      expect(await ackAll(leased, 5_000)).toEqual(['repeat']);
      expect(await store.ack({ deliveries: [next], now: 0, wallNow: WALL })).toEqual(['receipt_stale']);
      const unknown = { lsn: delivery.lsn + 1, attempt: 1 };
      expect(await store.ack({ deliveries: [unknown, delivery], now: 0, wallNow: WALL })).toEqual([
        'not_found',
        'repeat',
      ]);
      expect(ids(await store.lease(leasing({ now: 10_000 })))).toEqual([]);
    });

    it('refuses a receipt whose lease is over, delivered again or not', async () => {
      await store.send(sending('a'));
      const leased = await store.lease(leasing());
      expect(await ackAll(leased, 1_000)).toEqual(['receipt_stale']);
      await store.sweep(sweeping({ now: 1_000 }));
      expect(await ackAll(leased, 1_000)).toEqual(['receipt_stale']);
    });

    it('makes a dead letter of what ran out of attempts', async () => {
      await store.send(sending('a'));
      for (const attempt of [1, 2, 3]) {
        const leased = await store.lease(leasing({ now: attempt * 1_000 }));
        expect(leased.messages).toMatchObject([{ attempt }]);
      }
      const last = { deliveries: [{ lsn: 1, attempt: 3 }], now: 4_000, wallNow: WALL };
      expect(await store.lease(leasing({ now: 4_000 }))).toEqual({ messages: [], timedOut: 1, dead: 1 });
      expect(await store.ack(last)).toEqual(['receipt_stale']);
      expect(store.census()).toMatchObject({ accepted: 1, ready: 0, inflight: 0, dead: 1 });
    });

    it('sweeps leases that ran out, names their topics, and works in bounded passes', async () => {
      for (const key of ['a', 'b', 'c']) await store.send(sending(key));
      await store.send(sending('x', { topic: 'u' }));
      await store.lease(leasing());
      await store.lease(leasing({ topic: 'u', visibilityMs: 5_000 }));
      expect(await store.sweep(sweeping({ now: 999 }))).toMatchObject({ timedOut: 0, more: false, readyTopics: [] });
      const pass = await store.sweep(sweeping({ now: 1_000, limit: 2 }));
      expect(pass).toEqual({ timedOut: 2, dead: 0, readyTopics: ['t'], expired: 0, more: true });
      expect(await store.sweep(sweeping({ now: 1_000, limit: 2 }))).toMatchObject({ timedOut: 1, more: false });
      expect(store.census()).toMatchObject({ ready: 3, inflight: 1 });
    });

    it('drops what is past its retention, and counts it', async () => {
      await store.send(sending('old'));
      await store.send(sending('held'));
      await store.send(sending('dead', { topic: 'u' }));
      await store.send(sending('young', { now: WALL + 999_999 }));
      await store.lease(leasing({ topic: 'u', maxAttempts: 1 }));
      await store.sweep(sweeping({ now: 1_000, maxAttempts: 1 }));
      const swept = await store.sweep(sweeping({ wallNow: WALL + 1_000_000 }));
      expect(swept.expired).toBe(2);
      expect(ids(await store.lease(leasing()))).toEqual(['id-young']);
      expect(store.census()).toMatchObject({ accepted: 4, expired: 2, dead: 1 });
      expect((await store.sweep(sweeping({ wallNow: WALL + 2_000_000 }))).expired).toBe(1);
      expect(store.census()).toMatchObject({ expired: 3, dead: 0, inflight: 1 });
    });

    it('forgets acknowledgements after the window', async () => {
      await store.send(sending('a'));
      const leased = await store.lease(leasing());
      await ackAll(leased);
      await store.sweep(sweeping({ wallNow: WALL + WINDOW - 1 }));
      expect(await ackAll(leased)).toEqual(['repeat']);
      await store.sweep(sweeping({ wallNow: WALL + WINDOW }));
      expect(await ackAll(leased)).toEqual(['not_found']);
    });

    it('knows where every message is, and how old the oldest ready one is', async () => {
      expect(store.oldestReadyAt()).toBeUndefined();
      for (const [i, key] of ['a', 'b', 'c', 'd'].entries()) await store.send(sending(key, { now: WALL + i }));
      const leased = await store.lease(leasing({ maxMessages: 2 }));
      await store.ack({ deliveries: leased.messages.slice(0, 1), now: 0, wallNow: WALL });
      expect(store.census()).toEqual({ accepted: 4, ready: 2, inflight: 1, acked: 1, dead: 0, expired: 0, bytes: 33 });
      expect(store.oldestReadyAt()).toBe(WALL + 2);
      expect(store.writable).toBe(true);
    });
  });
}
