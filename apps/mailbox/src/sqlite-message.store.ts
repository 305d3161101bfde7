import { randomBytes } from 'node:crypto';
import type { MetricsScope } from '@macronode/metrics';
import { openStore, siblingModule, statement } from '@macronode/store';
import type { Store } from '@macronode/store';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { MessageStore } from './message.store.ts';
import type { Acked, Acking, Census, LeaseResult, Leasing, Sending, Sent, Sweeping, Swept } from './message.store.ts';
import type { commands } from './messages.commands.ts';

export interface MessageStoreOptions {
  readonly location: { readonly file: string } | 'memory';
  readonly metrics: MetricsScope;
  readonly clock?: Clock;
}

const NOTHING_LEASED: LeaseResult = Object.freeze({ messages: Object.freeze([]), timedOut: 0, dead: 0 });
const NOTHING_SWEPT: Swept = Object.freeze({
  timedOut: 0,
  dead: 0,
  readyTopics: Object.freeze([]),
  expired: 0,
  more: false,
});

/** Messages in the embedded store: a file, or memory when the node keeps nothing. */
export class SqliteMessageStore extends MessageStore {
  override readonly receiptKey: Uint8Array;
  readonly #store: Store<typeof commands>;

  private constructor(store: Store<typeof commands>, receiptKey: Uint8Array) {
    super();
    this.#store = store;
    this.receiptKey = receiptKey;
  }

  static async open({ location, metrics, clock = systemClock }: MessageStoreOptions): Promise<SqliteMessageStore> {
    const module = siblingModule('./messages.commands', import.meta.url);
    const store = await openStore<typeof commands>({ location, module, metrics });
    const key = await store.write('start', { freshKey: randomBytes(32), now: clock.monotonicMs() });
    return new SqliteMessageStore(store, key);
  }

  override send(sending: Sending): Promise<Sent> {
    return this.#store.write('send', sending);
  }

  override async lease(leasing: Leasing): Promise<LeaseResult> {
    // An empty poll is answered here: it need not wait for the writer.
    if (!this.#hasWork(leasing.topic, leasing.now)) return NOTHING_LEASED;
    return this.#store.write('lease', leasing);
  }

  override ack(acking: Acking): Promise<readonly Acked[]> {
    return this.#store.write('ack', acking);
  }

  override async sweep(sweeping: Sweeping): Promise<Swept> {
    if (!this.#isSweepDue(sweeping)) return NOTHING_SWEPT;
    return this.#store.write('sweep', sweeping);
  }

  override census(): Census {
    const row = statement(this.#store.reader, 'SELECT * FROM totals WHERE id = 1').get();
    const total = (column: string): number => Number(row?.[column] ?? 0);
    const inflight = total('inflight');
    return {
      accepted: total('accepted'),
      ready: total('live') - inflight,
      inflight,
      acked: total('acked'),
      dead: total('dead'),
      expired: total('expired'),
      bytes: total('bytes'),
    };
  }

  override oldestReadyAt(): number | undefined {
    // In order of acceptance the leased ones come first: it passes over them, and stops at the first that is ready.
    const sql = 'SELECT ts FROM messages NOT INDEXED WHERE lease_until IS NULL ORDER BY lsn LIMIT 1';
    const ts = statement(this.#store.reader, sql).get()?.['ts'];
    return ts === undefined ? undefined : Number(ts);
  }

  override get writable(): boolean {
    return this.#store.fatal === undefined;
  }

  override close(): Promise<void> {
    return this.#store.close();
  }

  #hasWork(topic: string, now: number): boolean {
    const { reader } = this.#store;
    const ready = statement(reader, 'SELECT 1 FROM messages WHERE topic = ? AND lease_until IS NULL LIMIT 1');
    if (ready.get(topic) !== undefined) return true;
    const ranOut = statement(
      reader,
      'SELECT 1 FROM messages WHERE lease_until IS NOT NULL AND lease_until <= ? AND topic = ? LIMIT 1',
    );
    return ranOut.get(now, topic) !== undefined;
  }

  #isSweepDue({ now, wallNow, dedupWindowMs, retentionMs, deadRetentionMs }: Sweeping): boolean {
    const row = statement(
      this.#store.reader,
      `SELECT EXISTS (SELECT 1 FROM messages WHERE lease_until IS NOT NULL AND lease_until <= ?1)
           OR coalesce((SELECT ts FROM messages NOT INDEXED ORDER BY lsn LIMIT 1) <= ?2, 0)
           OR EXISTS (SELECT 1 FROM dead WHERE dead_at <= ?3)
           OR coalesce((SELECT accepted_at FROM dedup ORDER BY id LIMIT 1) <= ?4, 0)
           OR EXISTS (SELECT 1 FROM acked WHERE acked_at <= ?4) AS due`,
    ).get(now, wallNow - retentionMs, wallNow - deadRetentionMs, wallNow - dedupWindowMs);
    return row?.['due'] === 1;
  }
}
