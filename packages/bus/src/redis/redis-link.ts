import type { DeadLetters } from '../dead-letters.ts';
import { BusNoResponders, BusOverflow, BusUnavailable } from '../errors.ts';
import type { Consumer, ConsumeOptions, HintFollower, Lane, Link, LinkStatus, StreamReading } from '../link.ts';
import { RedisClock } from './redis-clock.ts';
import { RedisConnection, type RedisArg } from './redis-connection.ts';
import { RedisConsumer } from './redis-consumer.ts';
import { RedisDeadLetters } from './redis-dead-letters.ts';
import type { ConsumerPlace } from './redis-place.ts';
import { jittered, retryAfterFull, writeFailure } from './redis-failures.ts';
import { RedisHintReader } from './redis-hints.ts';
import { RedisInbox } from './redis-inbox.ts';
import { countEvents } from './redis-metrics.ts';
import {
  DEFAULT_REDIS_BOUNDS,
  DEFAULT_REDIS_TIMINGS,
  type RedisLinkBounds,
  type RedisLinkEvent,
  type RedisLinkOptions,
  type RedisLinkTimings,
} from './redis-options.ts';
import { probeRedis } from './redis-probe.ts';
import { readStreams } from './redis-readings.ts';
import { asArray, asNumber } from './redis-replies.ts';
import type { RedisScript } from './redis-script.ts';
import { APPEND, APPEND_INBOX, PUBLISH_HINT } from './redis-scripts.ts';
import { pause } from './redis-settler.ts';
import { StreamKeys, type StreamKeySet } from './stream-keys.ts';

/** Taken for a service nothing was sent to yet: a first burst shall not land on one consumer. */
const UNKNOWN_CONSUMERS = 4;

const asBuffer = (entry: Uint8Array): Buffer =>
  Buffer.isBuffer(entry) ? entry : Buffer.from(entry.buffer, entry.byteOffset, entry.byteLength);

/**
 * The bus over Redis Streams (Redis 7.0, Valkey 8). One connection writes; every blocking read has one of its own.
 * While Redis is away writes fail fast with `BusUnavailable`; a write whose answer was lost is `BusOutcomeUnknown`.
 * It comes back by itself, also when Redis lost its data: groups, inboxes and presence are made anew.
 * At least once per surviving primary: a failover can lose what was acknowledged a moment before.
 */
export class RedisLink implements Link {
  readonly kind = 'redis';
  readonly #name: string;
  readonly #url: string;
  readonly #keys: StreamKeys;
  readonly #bounds: RedisLinkBounds;
  readonly #timings: RedisLinkTimings;
  readonly #onEvent: (event: RedisLinkEvent) => void;
  readonly #clock = new RedisClock();
  readonly #connections = new Set<RedisConnection>();
  readonly #consumers = new Set<RedisConsumer>();
  readonly #inboxes = new Set<RedisInbox>();
  readonly #live = new Map<string, number>();
  readonly #listeners = new Set<(status: LinkStatus) => void>();
  readonly #closing = new AbortController();
  #writer: RedisConnection | undefined;
  #hints: RedisHintReader | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #status: LinkStatus = 'connecting';
  #unconfirmedBytes = 0;
  #started = false;
  #starting: Promise<void> | undefined;

  constructor(options: RedisLinkOptions) {
    this.#url = options.url;
    this.#name = options.name;
    this.#keys = new StreamKeys(options.namespace);
    this.#bounds = { ...DEFAULT_REDIS_BOUNDS, ...options.bounds };
    this.#timings = { ...DEFAULT_REDIS_TIMINGS, ...options.timings };
    const offset = (): number => (this.#clock.now() - Date.now()) / 1_000;
    const count = options.metrics === undefined ? undefined : countEvents(options.metrics, offset);
    const listener = options.onEvent;
    this.#onEvent = (event) => {
      count?.(event);
      listener?.(event);
    };
  }

  /** Connects. Rejects with `BusUnavailable` when Redis is not reached in time, and with a plain Error when it is too old. */
  start(): Promise<void> {
    return (this.#starting ??= this.#start());
  }

  async #start(): Promise<void> {
    const writer = this.#open('writer', true);
    this.#writer = writer;
    const waited = new AbortController();
    await Promise.race([writer.whenReady(this.#closing.signal), pause(this.#timings.start, waited.signal)]);
    waited.abort();
    if (!writer.ready) {
      await this.close();
      const why = writer.lastError === undefined ? '' : `: ${writer.lastError.message}`;
      throw new BusUnavailable(`Redis was not reached within ${this.#timings.start} ms${why}`);
    }
    try {
      await Promise.all([probeRedis(writer, this.#onEvent), this.#announce(true)]);
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#started = true;
    this.#updateStatus();
    this.#scheduleHeartbeat();
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    clearTimeout(this.#heartbeat);
    await Promise.all([...this.#consumers].map((consumer) => consumer.close()));
    await Promise.all([...this.#inboxes].map((inbox) => inbox.close()));
    await this.#hints?.close();
    this.#closing.abort();
    for (const connection of [...this.#connections]) connection.close();
    this.#updateStatus();
  }

  /** Drops every connection at once and says nothing to Redis: what a killed process leaves behind. For tests. */
  abandon(): void {
    clearTimeout(this.#heartbeat);
    this.#closing.abort();
    for (const consumer of this.#consumers) consumer.abandon();
    for (const inbox of this.#inboxes) inbox.abandon();
    for (const connection of [...this.#connections]) connection.close();
    void this.#hints?.close();
    this.#updateStatus();
  }

  status(): LinkStatus {
    return this.#status;
  }

  onStatus(listener: (status: LinkStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  liveConsumers(service: string): number {
    return Math.max(1, this.#live.get(service) ?? UNKNOWN_CONSUMERS);
  }

  async appendRequest(service: string, lane: Lane, entry: Uint8Array, frames: number): Promise<void> {
    const keys = this.#keys.request(service, lane);
    const presence = [keys.live, this.#keys.restarting(service)];
    const live = await this.#append(keys, presence, entry, frames, `requests of ${service}`);
    this.#live.set(service, live);
  }

  async appendWork(topic: string, entry: Uint8Array, frames: number): Promise<void> {
    await this.#append(this.#keys.work(topic, ''), [], entry, frames, `work of ${topic}`);
  }

  async consumeRequests(service: string, lane: Lane, instance: string, options: ConsumeOptions): Promise<Consumer> {
    const keys = this.#keys.request(service, lane);
    const deadLetters = this.#keys.deadLetters(service);
    return this.#consume(
      { kind: 'request', name: service, lane, keys, deadLetters, service, group: service, instance },
      options,
    );
  }

  async consumeWork(topic: string, group: string, instance: string, options: ConsumeOptions): Promise<Consumer> {
    const keys = this.#keys.work(topic, group);
    const deadLetters = this.#keys.deadLetters(group);
    return this.#consume(
      { kind: 'work', name: topic, lane: 'none', keys, deadLetters, service: group, group, instance },
      options,
    );
  }

  async openInbox(instance: string, onEntry: (entry: Uint8Array) => void): Promise<{ close(): Promise<void> }> {
    const inbox = new RedisInbox({
      instance,
      keys: this.#keys.inbox(instance),
      writer: this.#running(),
      reader: this.#open('inbox', false),
      timings: this.#timings,
      onEntry,
      onEvent: this.#onEvent,
    });
    this.#inboxes.add(inbox);
    await inbox.start();
    return {
      close: async () => {
        await inbox.close();
        this.#inboxes.delete(inbox);
        await this.#retire(instance);
      },
    };
  }

  /** An instance lives as long as its inbox: what its stopped consumers did not settle is nobody's work any more. */
  async #retire(instance: string): Promise<void> {
    const ended = [...this.#consumers].filter(({ leaving, place }) => leaving && place.instance === instance);
    await Promise.all(ended.map((consumer) => consumer.close()));
    for (const consumer of ended) this.#consumers.delete(consumer);
  }

  async appendInbox(instance: string, entry: Uint8Array): Promise<boolean> {
    const { stream, counters } = this.#keys.inbox(instance);
    const { inboxEntries, inboxBytes } = this.#bounds;
    const reply = await this.#write(APPEND_INBOX, [stream, counters], entry, [inboxEntries, inboxBytes]);
    if (reply === -1) throw new BusOverflow('stream', jittered(250), `the inbox of ${instance} is full`);
    return reply === 1;
  }

  async publishHint(topic: string, entry: Uint8Array): Promise<void> {
    const { stream, counters } = this.#keys.hints(topic);
    const bounds = [this.#bounds.hintEntries, this.#bounds.hintBytes];
    const [, trimmed] = asArray(await this.#write(PUBLISH_HINT, [stream, counters], entry, bounds));
    if (trimmed !== 0) this.#onEvent({ type: 'hints_trimmed', topic, entries: asNumber(trimmed) });
  }

  async followHints(topic: string, onEntry: (sequence: number, entry: Uint8Array) => void): Promise<HintFollower> {
    const writer = this.#running();
    this.#hints ??= new RedisHintReader({
      writer,
      openReader: () => this.#open('hints', false),
      timings: this.#timings,
      onEvent: this.#onEvent,
    });
    return this.#hints.follow(this.#keys.hints(topic), onEntry);
  }

  async markRestarting(service: string, ms: number): Promise<void> {
    try {
      await this.#running().command('set', [this.#keys.restarting(service), '1', 'PX', Math.max(1, Math.ceil(ms))]);
    } catch (error) {
      throw writeFailure(error);
    }
  }

  deadLetters(service: string): DeadLetters {
    return new RedisDeadLetters({
      service,
      keys: this.#keys,
      bounds: this.#bounds,
      writer: () => this.#running(),
    });
  }

  /** Readings of what this link consumes; none while Redis is away. */
  async readings(): Promise<readonly StreamReading[]> {
    const writer = this.#writer;
    if (writer?.ready !== true) return [];
    const places = [...this.#consumers].map(({ place }) => place);
    return readStreams(writer, this.#clock, places, [...this.#inboxes]);
  }

  async #consume(place: ConsumerPlace, options: ConsumeOptions): Promise<Consumer> {
    const consumer = new RedisConsumer(place, options, {
      writer: this.#running(),
      openReader: (role) => this.#open(role, false),
      clock: this.#clock,
      bounds: this.#bounds,
      timings: this.#timings,
      onEvent: this.#onEvent,
      stillPresent: ({ keys, instance }) =>
        [...this.#consumers].some(
          (other) => !other.leaving && other.place.keys.live === keys.live && other.place.instance === instance,
        ),
    });
    this.#consumers.add(consumer);
    await consumer.start();
    return consumer;
  }

  async #append(
    keys: StreamKeySet,
    presence: readonly string[],
    entry: Uint8Array,
    frames: number,
    what: string,
  ): Promise<number> {
    const { streamFrames, streamBytes } = this.#bounds;
    const bounds = [frames, streamFrames, streamBytes];
    const reply = await this.#write(APPEND, [keys.stream, keys.counters, ...presence], entry, bounds);
    const [outcome, first, rate] = asArray(reply);
    if (outcome === -1) throw new BusNoResponders(`nobody is there for the ${what}`, { retryAfterMs: jittered(1_000) });
    if (outcome === 0) {
      throw new BusOverflow('stream', retryAfterFull(asNumber(first), asNumber(rate)), `too many ${what} are waiting`);
    }
    return asNumber(first);
  }

  async #write(
    script: RedisScript,
    keys: readonly string[],
    entry: Uint8Array,
    args: readonly RedisArg[],
  ): Promise<unknown> {
    const size = entry.byteLength;
    if (this.#unconfirmedBytes + size > this.#bounds.unconfirmedBytes) {
      throw new BusOverflow('stream', jittered(100), 'too many bytes wait for Redis to confirm them');
    }
    this.#unconfirmedBytes += size;
    try {
      return await this.#running().run(script, keys, [asBuffer(entry), ...args]);
    } catch (error) {
      throw writeFailure(error);
    } finally {
      this.#unconfirmedBytes -= size;
    }
  }

  #running(): RedisConnection {
    if (this.#writer === undefined || this.#closing.signal.aborted) throw new BusUnavailable('the link is not running');
    return this.#writer;
  }

  #open(role: string, scripts: boolean): RedisConnection {
    const connection: RedisConnection = new RedisConnection({
      url: this.#url,
      connectionName: `bus:${this.#name}:${role}`.replaceAll(/[^!-~]/g, '_'),
      role,
      timings: this.#timings,
      scripts,
      onEvent: this.#onEvent,
      onState: () => {
        if (connection.closed) this.#connections.delete(connection);
        this.#updateStatus();
      },
      ...(scripts ? { onReady: () => void this.#announce(true) } : {}),
    });
    this.#connections.add(connection);
    return connection;
  }

  /**
   * Asks Redis for the time and renews presence and inboxes. After a reconnect (`anew`) all of them at once, for that
   * Redis may have forgotten us.
   */
  async #announce(anew: boolean): Promise<void> {
    const writer = this.#writer;
    if (this.#closing.signal.aborted || writer?.ready !== true) return;
    const ignore = (): void => undefined;
    const askedAt = performance.now();
    const time = writer.command('time', []).then((reply) => {
      const [seconds, microseconds] = asArray(reply);
      this.#clock.observe(asNumber(seconds), asNumber(microseconds), askedAt);
    }, ignore);
    await Promise.all([
      time,
      ...[...this.#inboxes].map((inbox) => (anew ? inbox.renew() : inbox.renewIfDue()).catch(ignore)),
      ...[...this.#consumers].map((consumer) => consumer.join().catch(ignore)),
    ]);
  }

  #scheduleHeartbeat(): void {
    if (this.#closing.signal.aborted) return;
    const beat = (): void => void this.#announce(false).then(() => this.#scheduleHeartbeat());
    this.#heartbeat = setTimeout(beat, this.#timings.heartbeat);
    this.#heartbeat.unref();
  }

  #updateStatus(): void {
    const next = this.#currentStatus();
    if (next === this.#status) return;
    this.#status = next;
    for (const listener of this.#listeners) listener(next);
  }

  #currentStatus(): LinkStatus {
    if (this.#closing.signal.aborted) return 'closed';
    if (!this.#started) return 'connecting';
    return [...this.#connections].some(({ lost }) => lost) ? 'reconnecting' : 'ready';
  }
}
