import { hashBytes } from '@macronode/content';
import { LIMITS, ServiceError } from '@macronode/contracts';
import type {
  MailboxAckReply,
  MailboxAckRequest,
  MailboxMessage,
  MailboxRecvReply,
  MailboxRecvRequest,
  MailboxSendReply,
  MailboxSendRequest,
} from '@macronode/contracts';
import type { Occupancy } from '@macronode/metrics';
import { monotonicFactory } from 'ulid';
import type { Clock } from './clock.ts';
import type { Acked, Leased, MessageStore, Released } from './message.store.ts';
import type { MailboxMetrics } from './metrics.ts';
import { readReceipt, writeReceipt } from './receipt.ts';
import type { Delivery } from './receipt.ts';
import { TopicBell } from './topic-bell.ts';

export interface MailboxSettings {
  readonly topicDepth: number;
  readonly storeBytes: number;
  readonly maxAttempts: number;
  readonly dedupWindowMs: number;
  readonly retentionMs: number;
  readonly deadRetentionMs: number;
  readonly maxWaiters: number;
  /** Rows one sweep touches per kind. */
  readonly sweepLimit: number;
}

export interface MailboxServiceOptions {
  readonly store: MessageStore;
  readonly metrics: MailboxMetrics;
  readonly clock: Clock;
  readonly settings: MailboxSettings;
}

/** What a long poll needs to know of its caller. */
export interface Caller {
  readonly signal: AbortSignal;
  remainingMs(): number;
  /** Waits without holding a place among those that work. */
  parked<T>(wait: Promise<T>): Promise<T>;
}

/** A long poll ends this long before its caller gives up, so that its empty answer still arrives. */
const REPLY_MARGIN_MS = 250;
const SATURATED_RETRY_MS = 1_000;
const STORE_FULL_RETRY_MS = 5_000;

/** Store and forward: at least once, in order of acceptance per topic, leases with receipts. */
export class MailboxService {
  readonly #store: MessageStore;
  readonly #metrics: MailboxMetrics;
  readonly #clock: Clock;
  readonly #settings: MailboxSettings;
  readonly #bell: TopicBell;
  readonly #nextId = monotonicFactory();

  constructor({ store, metrics, clock, settings }: MailboxServiceOptions) {
    this.#store = store;
    this.#metrics = metrics;
    this.#clock = clock;
    this.#settings = settings;
    this.#bell = new TopicBell(settings.maxWaiters);
    this.#observe();
  }

  occupancy(): Occupancy {
    return this.#bell.occupancy();
  }

  /** @throws ServiceError `too_large`, `idempotency_mismatch`, `saturated`, `busy`. */
  async send(request: MailboxSendRequest): Promise<MailboxSendReply> {
    const payload = Buffer.from(request.payload_b64, 'base64');
    if (payload.length > LIMITS.mailbox_payload_bytes.value) {
      throw new ServiceError('too_large', 'The payload is over the limit.', { reason: 'mailbox_payload_bytes' });
    }
    const { topicDepth, storeBytes, dedupWindowMs } = this.#settings;
    const now = this.#clock.wallMs();
    const sent = await this.#timed('send', () =>
      this.#store.send({
        msgId: this.#nextId(now),
        topic: request.topic,
        idemKey: request.idem_key,
        payload,
        payloadHash: hashBytes(payload),
        attrs: JSON.stringify(request.attrs ?? {}),
        now,
        dedupWindowMs,
        topicDepth,
        storeBytes,
      }),
    );
    switch (sent.outcome) {
      case 'accepted':
        this.#metrics.enqueued.inc();
        this.#bell.ring(request.topic);
        return { msg_id: sent.msgId, duplicate: false };
      case 'duplicate':
        this.#metrics.duplicates.inc({ result: 'answered' });
        return { msg_id: sent.msgId, duplicate: true };
      case 'mismatch':
        this.#metrics.duplicates.inc({ result: 'mismatch' });
        throw new ServiceError('idempotency_mismatch');
      case 'depth':
        this.#metrics.saturated.inc({ bound: 'topic_depth' });
        throw new ServiceError('saturated', undefined, { reason: 'topic_depth', retryAfterMs: SATURATED_RETRY_MS });
      case 'bytes':
        this.#metrics.saturated.inc({ bound: 'store_bytes' });
        throw new ServiceError('busy', 'The mailbox holds as many bytes as it may.', {
          reason: 'store_bytes',
          retryAfterMs: STORE_FULL_RETRY_MS,
        });
    }
  }

  /**
   * Leases what is ready; with `wait_ms`, waits for the first message. Nothing in time is an empty answer.
   * @throws ServiceError `busy` when as many wait as may.
   */
  async recv(request: MailboxRecvRequest, caller: Caller): Promise<MailboxRecvReply> {
    const waitMs = Math.min(request.wait_ms, caller.remainingMs() - REPLY_MARGIN_MS);
    if (waitMs <= 0) return { messages: await this.#lease(request) };
    const until = this.#clock.monotonicMs() + waitMs;
    const listener = this.#bell.listen(request.topic);
    if (listener === undefined) return this.#recvWithoutPlace(request);
    try {
      for (;;) {
        const messages = await this.#lease(request);
        const left = until - this.#clock.monotonicMs();
        if (messages.length > 0 || left <= 0) return { messages };
        if (!(await caller.parked(listener.wait(left, caller.signal)))) return { messages };
      }
    } catch (error) {
      // The message that woke this one may still be there, and it will not ring again.
      this.#bell.ring(request.topic);
      throw error;
    } finally {
      listener.close();
    }
  }

  /** One result per receipt, in order. A repeat of a done acknowledgement is `ok`. */
  async ack(request: MailboxAckRequest): Promise<MailboxAckReply> {
    const read = request.receipts.map((receipt) => readReceipt(this.#store.receiptKey, receipt));
    const deliveries = read.filter((delivery): delivery is Delivery => delivery !== undefined);
    const stored = deliveries.length === 0 ? [] : await this.#timed('ack', () => this.#ackAll(deliveries));
    let next = 0;
    const results = read.map((delivery): Acked => {
      const result = delivery === undefined ? undefined : stored[next++];
      return result ?? 'not_found';
    });
    for (const result of results) this.#countAck(result);
    return { results: results.map((result) => (result === 'done' || result === 'repeat' ? 'ok' : result)) };
  }

  /** One bounded pass over what has run out. True when there is more to do at once. */
  async sweep(): Promise<boolean> {
    const { maxAttempts, dedupWindowMs, retentionMs, deadRetentionMs, sweepLimit } = this.#settings;
    const swept = await this.#store.sweep({
      now: this.#clock.monotonicMs(),
      wallNow: this.#clock.wallMs(),
      maxAttempts,
      dedupWindowMs,
      retentionMs,
      deadRetentionMs,
      limit: sweepLimit,
    });
    this.#countReleased(swept);
    this.#metrics.expired.inc(swept.expired);
    for (const topic of swept.readyTopics) this.#bell.ringAll(topic);
    return swept.more;
  }

  /** Answers all long polls now: the instance is closing. */
  dismiss(): void {
    this.#bell.dismiss();
  }

  async #recvWithoutPlace(request: MailboxRecvRequest): Promise<MailboxRecvReply> {
    const messages = await this.#lease(request);
    if (messages.length > 0) return { messages };
    this.#metrics.saturated.inc({ bound: 'waiters' });
    throw new ServiceError('busy', 'As many long polls wait as may.', {
      reason: 'waiters',
      retryAfterMs: SATURATED_RETRY_MS,
    });
  }

  async #lease(request: MailboxRecvRequest): Promise<MailboxMessage[]> {
    const leased = await this.#timed('recv', () =>
      this.#store.lease({
        topic: request.topic,
        maxMessages: request.max_messages,
        maxBytes: request.max_bytes,
        visibilityMs: request.visibility_ms,
        now: this.#clock.monotonicMs(),
        wallNow: this.#clock.wallMs(),
        maxAttempts: this.#settings.maxAttempts,
      }),
    );
    this.#countReleased(leased);
    // It made more messages ready than it took, perhaps: the sweep will not find them any more.
    if (leased.timedOut > leased.messages.length) this.#bell.ringAll(request.topic);
    this.#metrics.delivered.inc(leased.messages.length);
    this.#metrics.redelivered.inc(leased.messages.filter(({ attempt }) => attempt > 1).length);
    return leased.messages.map((message) => this.#toMessage(message));
  }

  #toMessage(leased: Leased): MailboxMessage {
    const { payload } = leased;
    return {
      msg_id: leased.msgId,
      receipt: writeReceipt(this.#store.receiptKey, leased),
      attempt: leased.attempt,
      ts: new Date(leased.ts).toISOString(),
      payload_b64: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('base64'),
      payload_hash: leased.payloadHash,
      attrs: JSON.parse(leased.attrs) as Record<string, string>,
    };
  }

  #ackAll(deliveries: readonly Delivery[]): Promise<readonly Acked[]> {
    return this.#store.ack({ deliveries, now: this.#clock.monotonicMs(), wallNow: this.#clock.wallMs() });
  }

  #countAck(result: Acked): void {
    if (result === 'done') this.#metrics.acked.inc();
    else if (result !== 'repeat') this.#metrics.ackRefused.inc({ reason: result });
  }

  #countReleased({ timedOut, dead }: Released): void {
    this.#metrics.visibilityTimeouts.inc(timedOut);
    this.#metrics.dead.inc({ reason: 'max_attempts' }, dead);
  }

  async #timed<T>(op: 'send' | 'recv' | 'ack', work: () => Promise<T>): Promise<T> {
    const started = performance.now();
    try {
      return await work();
    } finally {
      this.#metrics.commitLatency.observe((performance.now() - started) / 1000, { op });
    }
  }

  #observe(): void {
    const { queueDepth, storedBytes, oldestReady, waiters } = this.#metrics;
    queueDepth.collect(() => this.#store.census().ready, { queue: 'ready' });
    queueDepth.collect(() => this.#store.census().inflight, { queue: 'inflight' });
    queueDepth.collect(() => this.#store.census().dead, { queue: 'dead' });
    storedBytes.collect(() => this.#store.census().bytes);
    oldestReady.collect(() => {
      const at = this.#store.oldestReadyAt();
      return at === undefined ? 0 : Math.max(0, this.#clock.wallMs() - at) / 1000;
    });
    waiters.collect(() => this.#bell.listeners);
  }
}
