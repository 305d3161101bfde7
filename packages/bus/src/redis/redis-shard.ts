import { BusUnavailable } from '../errors.ts';
import type { Consumer, ConsumeOptions, HintFollower, StreamReading } from '../link.ts';
import { RedisClock } from './redis-clock.ts';
import type { Answered, RedisArg } from './redis-command.ts';
import { type Appended, type RedisAppend, RedisAppends } from './redis-appends.ts';
import { RedisConnection } from './redis-connection.ts';
import { RedisConsumer } from './redis-consumer.ts';
import { RedisDeadLetters } from './redis-dead-letters.ts';
import { writeFailure } from './redis-failures.ts';
import { RedisHintReader } from './redis-hints.ts';
import { RedisInbox } from './redis-inbox.ts';
import { type OrderedTeam, RedisOrderedReader } from './redis-ordered.ts';
import type { RedisLinkBounds, RedisLinkEvent, RedisLinkTimings } from './redis-options.ts';
import type { ConsumerPlace } from './redis-place.ts';
import { probeRedis } from './redis-probe.ts';
import { readStreams } from './redis-readings.ts';
import { asArray, asNumber } from './redis-replies.ts';
import type { RedisRoute } from './redis-route.ts';
import { HEARTBEAT } from './redis-pending-scripts.ts';
import type { RedisScript } from './redis-script.ts';
import { pause } from './pause.ts';
import { StreamKeys } from './stream-keys.ts';

export interface ShardOptions {
  readonly shard: number;
  /** Names the connections. */
  readonly name: string;
  readonly namespace: string | undefined;
  readonly route: RedisRoute;
  readonly bounds: RedisLinkBounds;
  readonly timings: RedisLinkTimings;
  readonly onEvent: (event: RedisLinkEvent) => void;
  /** A connection of this shard came, went or was closed. */
  readonly onState: () => void;
}

/** Presences renewed by one script call (count): its loop must stay short. */
const HEARTBEAT_MAX = 128;
/** Heartbeats between two that ask for the time and remove names that are gone: 30 s, as clocks drift. */
const ASK_EVERY = 6;

/**
 * What one process has of one shard: the connection that writes, a connection for every blocking read, the clock of the
 * server the shard stands on, and the heartbeat that keeps consumers and inboxes alive.
 */
export class RedisShard {
  readonly keys: StreamKeys;
  readonly appends: RedisAppends;
  readonly clock = new RedisClock();
  /** Live consumers of each service, as its last append found them. */
  readonly live = new Map<string, number>();
  readonly #options: ShardOptions;
  readonly #connections = new Set<RedisConnection>();
  readonly #consumers = new Set<RedisConsumer>();
  readonly #ordered = new Set<RedisOrderedReader>();
  readonly #inboxes = new Set<RedisInbox>();
  readonly #closing = new AbortController();
  readonly #writer: RedisConnection;
  #hints: RedisHintReader | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #beats = 0;
  #isOpen = false;
  #examining: Promise<unknown> | undefined;

  constructor(options: ShardOptions) {
    this.#options = options;
    this.keys = new StreamKeys(options.namespace, options.shard);
    this.appends = new RedisAppends(this.keys, options.bounds);
    this.#writer = this.#open('writer', true);
  }

  /** Reached once; from then on it looks after itself. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  get isLost(): boolean {
    for (const { lost } of this.#connections) if (lost) return true;
    return false;
  }

  /** Waits until Redis was reached and examined. Rejects with `BusUnavailable` after `withinMs`, or when it is too old. */
  async open(withinMs: number): Promise<void> {
    const waited = new AbortController();
    await Promise.race([this.#writer.whenReady(this.#closing.signal), pause(withinMs, waited.signal)]);
    waited.abort();
    if (!this.#writer.ready) {
      const why = this.#writer.lastError === undefined ? '' : `: ${this.#writer.lastError.message}`;
      throw new BusUnavailable(`Redis was not reached within ${withinMs} ms${why}`);
    }
    await this.#examine();
  }

  /** Once: a server that was examined is not asked again when it comes back. */
  async #examine(): Promise<void> {
    this.#examining ??= Promise.all([probeRedis(this.#writer, this.#options.onEvent), this.#announce(true)]);
    try {
      await this.#examining;
    } catch (error) {
      this.#examining = undefined;
      throw error;
    }
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#scheduleHeartbeat();
  }

  #onReady(): void {
    if (this.#isOpen) void this.#announce(true);
    // Whoever waits for the shard is told what is wrong with it.
    else this.#examine().catch(() => undefined);
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    clearTimeout(this.#heartbeat);
    await Promise.all([...this.#consumers, ...this.#ordered].map((consumer) => consumer.close()));
    await Promise.all([...this.#inboxes].map((inbox) => inbox.close()));
    await this.#hints?.close();
    this.#closing.abort();
    for (const connection of [...this.#connections]) connection.close();
  }

  /** Drops every connection at once and says nothing to Redis: what a killed process leaves behind. */
  abandon(): void {
    clearTimeout(this.#heartbeat);
    this.#closing.abort();
    for (const consumer of [...this.#consumers, ...this.#ordered]) consumer.abandon();
    for (const inbox of this.#inboxes) inbox.abandon();
    for (const connection of [...this.#connections]) connection.close();
    void this.#hints?.close();
  }

  append(append: RedisAppend, what: Appended, answered: Answered): void {
    this.#writer.append(append, what, answered);
  }

  run(script: RedisScript, keys: readonly string[], args: readonly RedisArg[]): Promise<unknown> {
    return this.#writer.run(script, keys, args);
  }

  async markRestarting(service: string, ms: number): Promise<void> {
    try {
      await this.#writer.command('set', [this.keys.restarting(service), '1', 'PX', Math.max(1, Math.ceil(ms))]);
    } catch (error) {
      throw writeFailure(error);
    }
  }

  async consume(place: ConsumerPlace, options: ConsumeOptions): Promise<Consumer> {
    const consumer = new RedisConsumer(place, options, {
      writer: this.#writer,
      openReader: (role) => this.#open(role, false),
      clock: this.clock,
      bounds: this.#options.bounds,
      timings: this.#options.timings,
      onEvent: this.#options.onEvent,
      stillPresent: ({ keys, instance }) =>
        [...this.#consumers].some(
          (other) => !other.leaving && other.place.keys.live === keys.live && other.place.instance === instance,
        ),
    });
    this.#consumers.add(consumer);
    await consumer.start();
    return consumer;
  }

  /** Reads partitions that stand on this shard, for a consumer that may have others elsewhere. Not started. */
  readOrdered(places: readonly ConsumerPlace[], options: ConsumeOptions, team: OrderedTeam): RedisOrderedReader {
    const { bounds, timings, onEvent } = this.#options;
    const openReader = (role: string): RedisConnection => this.#open(role, false);
    const parts = { writer: this.#writer, openReader, clock: this.clock, bounds, timings, onEvent };
    const reader = new RedisOrderedReader(places, options, parts, team);
    this.#ordered.add(reader);
    return reader;
  }

  async openInbox(instance: string, onEntry: (entry: Uint8Array) => void): Promise<{ close(): Promise<void> }> {
    const inbox = new RedisInbox({
      instance,
      keys: this.keys.inbox(instance),
      writer: this.#writer,
      reader: this.#open('inbox', false),
      timings: this.#options.timings,
      onEntry,
      onEvent: this.#options.onEvent,
    });
    this.#inboxes.add(inbox);
    await inbox.start();
    return {
      close: async () => {
        await inbox.close();
        this.#inboxes.delete(inbox);
      },
    };
  }

  /** What an instance's stopped consumers did not settle is nobody's work any more. */
  async retire(instance: string): Promise<void> {
    const ended = [...this.#consumers].filter(({ leaving, place }) => leaving && place.instance === instance);
    await Promise.all(ended.map((consumer) => consumer.close()));
    for (const consumer of ended) this.#consumers.delete(consumer);
    const readers = [...this.#ordered].filter((reader) => reader.isStopped && reader.instance === instance);
    await Promise.all(readers.map((reader) => reader.close()));
    for (const reader of readers) this.#ordered.delete(reader);
  }

  followHints(topic: string, onEntry: (sequence: number, entry: Uint8Array) => void): Promise<HintFollower> {
    this.#hints ??= new RedisHintReader({
      writer: this.#writer,
      openReader: () => this.#open('hints', false),
      timings: this.#options.timings,
      onEvent: this.#options.onEvent,
    });
    return this.#hints.follow(this.keys.hints(topic), onEntry);
  }

  deadLetters(service: string): RedisDeadLetters {
    return new RedisDeadLetters({ service, keys: this.keys, bounds: this.#options.bounds, writer: this.#writer });
  }

  /** Readings of what is consumed here; none while Redis is away. */
  async readings(): Promise<readonly StreamReading[]> {
    if (!this.#writer.ready) return [];
    const ordered = [...this.#ordered].flatMap(({ heldPlaces }) => heldPlaces);
    const places = [...[...this.#consumers].map(({ place }) => place), ...ordered];
    return readStreams(this.#writer, this.clock, this.#options.bounds, places, [...this.#inboxes]);
  }

  #open(role: string, scripts: boolean): RedisConnection {
    const { shard, name, route, timings, onEvent, onState } = this.#options;
    const at = shard === 0 ? '' : `:${shard}`;
    const connection: RedisConnection = new RedisConnection({
      route,
      connectionName: `bus:${name}:${role}${at}`.replaceAll(/[^!-~]/g, '_'),
      role,
      timings,
      scripts,
      onEvent,
      onState: () => {
        if (connection.closed) this.#connections.delete(connection);
        onState();
      },
      ...(scripts ? { onReady: () => this.#onReady() } : {}),
    });
    this.#connections.add(connection);
    return connection;
  }

  /** Renews presence and inboxes. After a reconnect (`anew`) all is made where it is missing: Redis may have forgotten us. */
  async #announce(anew: boolean): Promise<void> {
    if (this.#closing.signal.aborted || !this.#writer.ready) return;
    const ignore = (): void => undefined;
    const inboxes = [...this.#inboxes].map((inbox) => (anew ? inbox.renew() : inbox.renewIfDue()).catch(ignore));
    if (anew) for (const reader of this.#ordered) reader.rejoin();
    // Whoever is at work also asks what it may hold pending, and whether something was given back.
    const joining = [...this.#consumers].filter((consumer) => anew || !consumer.idle);
    const groups = joining.map((consumer) => consumer.join().catch(ignore));
    await Promise.all([this.#beat(anew).catch(ignore), ...inboxes, ...groups]);
  }

  /** One call for all that is present here; now and then its answer sets the clock. A shard that is only written to needs neither. */
  async #beat(anew: boolean): Promise<void> {
    const consumers = [...this.#consumers].filter(({ joined, leaving }) => joined && !leaving);
    // Lanes of one instance share a presence.
    const present = new Map(
      consumers.map(({ place: { keys, instance } }) => [`${keys.live} ${instance}`, { live: keys.live, instance }]),
    );
    for (const { isPresent, live, instance } of this.#ordered) {
      if (isPresent) present.set(`${live} ${instance}`, { live, instance });
    }
    if (present.size === 0 && !anew) return;
    const { presence } = this.#options.timings;
    const asks = anew || this.#beats++ % ASK_EVERY === 0;
    const places = [...present.values()];
    const shares = asks ? consumers.map(({ place }) => place.keys.shares) : [];
    for (let at = 0; at === 0 || at < places.length; at += HEARTBEAT_MAX) {
      const page = places.slice(at, at + HEARTBEAT_MAX);
      const askedAt = performance.now();
      const reply = await this.#writer.run(
        HEARTBEAT,
        [...page.map(({ live }) => live), ...(at === 0 ? shares : [])],
        [presence, asks ? '' : Math.floor(this.clock.now()), ...page.map(({ instance }) => instance)],
      );
      const [seconds, microseconds] = asArray(reply);
      if (asks) this.clock.observe(asNumber(seconds), asNumber(microseconds), askedAt);
    }
  }

  #scheduleHeartbeat(): void {
    if (this.#closing.signal.aborted) return;
    const beat = (): void => void this.#announce(false).then(() => this.#scheduleHeartbeat());
    this.#heartbeat = setTimeout(beat, this.#options.timings.heartbeat);
    this.#heartbeat.unref();
  }
}
