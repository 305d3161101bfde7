import type { DeadLetters } from '../dead-letters.ts';
import { BusNoResponders, BusOverflow, BusUnavailable } from '../errors.ts';
import type {
  Consumer,
  ConsumeOptions,
  HintFollower,
  Lane,
  Link,
  LinkStatus,
  OrderedLane,
  OrderedSource,
  StreamReading,
} from '../link.ts';
import { DEFAULT_PARTITIONS, orderedLane, PARTITIONS_MAX, partitionOf } from '../order.ts';
import type { Appended, RedisAppend } from './redis-appends.ts';
import type { Answered } from './redis-command.ts';
import { parseRedisEndpoint } from './redis-endpoint.ts';
import { jittered, retryAfterFull, writeFailure } from './redis-failures.ts';
import { countEvents } from './redis-metrics.ts';
import {
  DEFAULT_REDIS_BOUNDS,
  DEFAULT_REDIS_TIMINGS,
  type RedisLinkBounds,
  type RedisLinkEvent,
  type RedisLinkOptions,
  type RedisLinkTimings,
} from './redis-options.ts';
import { RedisOrderedConsumer, type RedisOrderedReader } from './redis-ordered.ts';
import type { ConsumerPlace } from './redis-place.ts';
import { defaultShards, RedisPlacement } from './redis-placement.ts';
import { asArray, asNumber } from './redis-replies.ts';
import { RedisRoutes } from './redis-route.ts';
import { CLAIM } from './redis-scripts.ts';
import { RedisShard } from './redis-shard.ts';
import { ShardedDeadLetters } from './redis-sharded-letters.ts';

/** Taken for a service nothing was sent to yet: a first burst shall not land on one consumer. */
const UNKNOWN_CONSUMERS = 4;

/** Live consumers, of what APPEND returned; throws when it did not take the entry. */
function admitted(reply: unknown, what: string, name: string): number {
  const [outcome, first, rate] = asArray(reply);
  if (outcome === -1) {
    throw new BusNoResponders(`nobody is there for the ${what} ${name}`, { retryAfterMs: jittered(1_000) });
  }
  if (outcome === 0) {
    const retryAfterMs = retryAfterFull(asNumber(first), asNumber(rate));
    throw new BusOverflow('stream', retryAfterMs, `too many ${what} ${name} are waiting`);
  }
  return asNumber(first);
}

const asBuffer = (entry: Uint8Array): Buffer =>
  Buffer.isBuffer(entry) ? entry : Buffer.from(entry.buffer, entry.byteOffset, entry.byteLength);

/** Partitions are spread over the shards, and placed one by one. */
const partitionName = (name: string, lane: Lane): string => `${name}:${lane}`;

function orderedPlace(shard: RedisShard, source: OrderedSource, lane: OrderedLane, instance: string): ConsumerPlace {
  if (source.kind === 'request') {
    const { service } = source;
    const deadLetters = shard.keys.deadLetters(service);
    const keys = shard.keys.request(service, lane);
    return { kind: 'request', name: service, lane, keys, deadLetters, service, group: service, instance };
  }
  const { topic, group } = source;
  const deadLetters = shard.keys.deadLetters(group);
  const keys = shard.keys.work(topic, group, lane);
  return { kind: 'work', name: topic, lane, keys, deadLetters, service: group, group, instance };
}

/**
 * The bus over Redis Streams (Redis 7.0, Valkey 8): one server, Sentinel or a cluster. What it writes and reads is spread
 * over shards; each shard in use has one connection that writes and one for every blocking read.
 * While Redis is away writes fail fast with `BusUnavailable`; a write whose answer was lost is `BusOutcomeUnknown`.
 * It comes back by itself, also when Redis lost its data or the shard moved: groups, inboxes and presence are made anew.
 * At least once per surviving primary: a failover can lose what was acknowledged a moment before.
 */
export class RedisLink implements Link {
  readonly kind = 'redis';
  readonly partitions: number;
  readonly #name: string;
  readonly #namespace: string | undefined;
  readonly #routes: RedisRoutes;
  readonly #placement: RedisPlacement;
  readonly #bounds: RedisLinkBounds;
  readonly #timings: RedisLinkTimings;
  readonly #onEvent: (event: RedisLinkEvent) => void;
  readonly #shards: (RedisShard | undefined)[];
  readonly #listeners = new Set<(status: LinkStatus) => void>();
  #status: LinkStatus = 'connecting';
  #unconfirmedBytes = 0;
  #started = false;
  #closed = false;
  #starting: Promise<void> | undefined;

  /** Throws `RedisAddressError` for an address, and an Error for TLS settings or a placement, that cannot be right. */
  constructor(options: RedisLinkOptions) {
    const endpoint = parseRedisEndpoint(options.url);
    this.#name = options.name;
    this.#namespace = options.namespace;
    this.#routes = new RedisRoutes(endpoint, options.tls);
    this.#placement = new RedisPlacement(options.shards ?? defaultShards(endpoint.kind), options.placement);
    this.#shards = Array.from({ length: this.#placement.shards }, () => undefined);
    this.partitions = options.partitions ?? DEFAULT_PARTITIONS;
    if (!Number.isInteger(this.partitions) || this.partitions < 1 || this.partitions > PARTITIONS_MAX) {
      throw new Error(`partitions must be from 1 to ${PARTITIONS_MAX}, not ${this.partitions}`);
    }
    this.#bounds = { ...DEFAULT_REDIS_BOUNDS, ...options.bounds };
    this.#timings = { ...DEFAULT_REDIS_TIMINGS, ...options.timings };
    const offset = (): number => {
      const clock = this.#shards[this.#placement.shardOf(this.#name)]?.clock;
      return clock === undefined ? 0 : (clock.now() - Date.now()) / 1_000;
    };
    const count = options.metrics === undefined ? undefined : countEvents(options.metrics, offset);
    const listener = options.onEvent;
    this.#onEvent = (event) => {
      count?.(event);
      listener?.(event);
    };
  }

  /**
   * Connects to the shard of the service this link is named after; the others are opened when they are first used.
   * Rejects with `BusUnavailable` when Redis is not reached in time, and with a plain Error when it is too old.
   */
  start(): Promise<void> {
    return (this.#starting ??= this.#start());
  }

  async #start(): Promise<void> {
    try {
      await this.#shard(this.#placement.shardOf(this.#name)).open(this.#timings.start);
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#started = true;
    this.#updateStatus();
  }

  async close(): Promise<void> {
    await Promise.all(this.#used().map((shard) => shard.close()));
    this.#closed = true;
    this.#updateStatus();
  }

  /** Drops every connection at once and says nothing to Redis: what a killed process leaves behind. For tests. */
  abandon(): void {
    this.#closed = true;
    for (const shard of this.#used()) shard.abandon();
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
    const live = this.#shards[this.#placement.shardOf(service)]?.live.get(service);
    return Math.max(1, live ?? UNKNOWN_CONSUMERS);
  }

  appendRequest(service: string, lane: Lane, entry: Uint8Array, frames: number): Promise<void> {
    const place = partitionOf(lane) < 0 ? service : partitionName(service, lane);
    const append = (shard: RedisShard): RedisAppend => shard.appends.request(service, lane);
    return this.#append(place, append, { entry: asBuffer(entry), frames }, (reply, shard) => {
      shard.live.set(service, admitted(reply, 'requests of', service));
    });
  }

  appendWork(topic: string, entry: Uint8Array, frames: number, lane?: OrderedLane): Promise<void> {
    const place = lane === undefined ? topic : partitionName(topic, lane);
    return this.#append(
      place,
      (shard) => shard.appends.work(topic, lane),
      { entry: asBuffer(entry), frames },
      (reply) => void admitted(reply, 'work of', topic),
    );
  }

  async consumeOrdered(source: OrderedSource, instance: string, options: ConsumeOptions): Promise<Consumer> {
    const byShard = new Map<RedisShard, ConsumerPlace[]>();
    for (let partition = 0; partition < this.partitions; partition++) {
      const name = source.kind === 'request' ? source.service : source.topic;
      const shard = this.#running(partitionName(name, orderedLane(partition)));
      const places = byShard.get(shard) ?? [];
      byShard.set(shard, places);
      places.push(orderedPlace(shard, source, orderedLane(partition), instance));
    }
    const readers: RedisOrderedReader[] = [];
    const team = { partitions: this.partitions, live: 0, readers };
    for (const [shard, places] of byShard) readers.push(shard.readOrdered(places, options, team));
    await Promise.all(readers.map((reader) => reader.start()));
    return new RedisOrderedConsumer(readers);
  }

  async consumeRequests(service: string, lane: Lane, instance: string, options: ConsumeOptions): Promise<Consumer> {
    const shard = this.#running(service);
    const keys = shard.keys.request(service, lane);
    const deadLetters = shard.keys.deadLetters(service);
    return shard.consume(
      { kind: 'request', name: service, lane, keys, deadLetters, service, group: service, instance },
      options,
    );
  }

  async consumeWork(topic: string, group: string, instance: string, options: ConsumeOptions): Promise<Consumer> {
    const shard = this.#running(topic);
    const keys = shard.keys.work(topic, group);
    const deadLetters = shard.keys.deadLetters(group);
    return shard.consume(
      { kind: 'work', name: topic, lane: 'none', keys, deadLetters, service: group, group, instance },
      options,
    );
  }

  async openInbox(instance: string, onEntry: (entry: Uint8Array) => void): Promise<{ close(): Promise<void> }> {
    const inbox = await this.#running(instance).openInbox(instance, onEntry);
    return {
      close: async () => {
        await inbox.close();
        // An instance lives as long as its inbox.
        await Promise.all(this.#used().map((shard) => shard.retire(instance)));
      },
    };
  }

  appendInbox(instance: string, entry: Uint8Array): Promise<boolean> {
    const append = (shard: RedisShard): RedisAppend => shard.appends.inbox(instance);
    return this.#append(instance, append, { entry: asBuffer(entry) }, (reply) => {
      if (reply === -1) throw new BusOverflow('stream', jittered(250), `the inbox of ${instance} is full`);
      return reply === 1;
    });
  }

  publishHint(topic: string, entry: Uint8Array): Promise<void> {
    const append = (shard: RedisShard): RedisAppend => shard.appends.hints(topic);
    return this.#append(topic, append, { entry: asBuffer(entry) }, (reply) => {
      const [, trimmed] = asArray(reply);
      if (trimmed !== 0) this.#onEvent({ type: 'hints_trimmed', topic, entries: asNumber(trimmed) });
    });
  }

  async followHints(topic: string, onEntry: (sequence: number, entry: Uint8Array) => void): Promise<HintFollower> {
    return this.#running(topic).followHints(topic, onEntry);
  }

  async markRestarting(service: string, ms: number): Promise<void> {
    const shards = new Set([this.#running(service)]);
    // What is ordered is admitted on the shards of its partitions; those nobody used have nothing to admit.
    for (let partition = 0; partition < this.partitions; partition++) {
      const shard = this.#shards[this.#placement.shardOf(partitionName(service, orderedLane(partition)))];
      if (shard?.isOpen === true) shards.add(shard);
    }
    await Promise.all(
      [...shards].map(async (shard) => {
        if (!shard.isOpen) await this.#opened(shard);
        await shard.markRestarting(service, ms);
      }),
    );
  }

  async claim(service: string, ids: readonly string[], ttlMs: number): Promise<readonly boolean[]> {
    const shard = this.#running(service);
    const keys = ids.map((id) => shard.keys.claim(service, id));
    try {
      if (!shard.isOpen) await this.#opened(shard);
      return asArray(await shard.run(CLAIM, keys, [Math.max(1, Math.ceil(ttlMs))])).map((first) => first === 1);
    } catch (error) {
      throw writeFailure(error);
    }
  }

  deadLetters(service: string): DeadLetters {
    const of = async (number: number): Promise<DeadLetters> => {
      const shard = this.#runningShard(number);
      if (!shard.isOpen) await this.#opened(shard);
      return shard.deadLetters(service);
    };
    return new ShardedDeadLetters(this.#placement.shards, of);
  }

  /** Readings of what this link consumes; none of a shard whose Redis is away. */
  async readings(): Promise<readonly StreamReading[]> {
    return (await Promise.all(this.#used().map((shard) => shard.readings()))).flat();
  }

  /**
   * Sends an entry, within the bound of what is unconfirmed. `read` makes the result of what the script returned, or
   * throws. By callbacks up to the one promise: this is the hot path.
   */
  #append<R>(
    place: string,
    appendOn: (shard: RedisShard) => RedisAppend,
    what: Appended,
    read: (reply: unknown, shard: RedisShard) => R,
  ): Promise<R> {
    return new Promise((resolve, reject) => {
      const shard = this.#running(place);
      const size = what.entry.length;
      if (this.#unconfirmedBytes + size > this.#bounds.unconfirmedBytes) {
        return reject(new BusOverflow('stream', jittered(100), 'too many bytes wait for Redis to confirm them'));
      }
      this.#unconfirmedBytes += size;
      const answered: Answered = (error, reply) => {
        this.#unconfirmedBytes -= size;
        if (error !== undefined) return reject(writeFailure(error));
        try {
          resolve(read(reply, shard));
        } catch (refusal) {
          reject(refusal);
        }
      };
      const send = (): void => shard.append(appendOn(shard), what, answered);
      if (shard.isOpen) return send();
      this.#opened(shard).then(send, (error: unknown) => answered(error as Error, undefined));
    });
  }

  /** The first use of a shard waits for its connection; nothing was sent when that fails. */
  async #opened(shard: RedisShard): Promise<void> {
    try {
      await shard.open(this.#timings.connect);
    } catch (error) {
      if (error instanceof BusUnavailable) throw error;
      throw new BusUnavailable('this Redis cannot be used', { retryAfterMs: jittered(1_000), cause: error });
    }
  }

  /** The shard of a name, on a link that runs. */
  #running(name: string): RedisShard {
    return this.#runningShard(this.#placement.shardOf(name));
  }

  #runningShard(shard: number): RedisShard {
    if (this.#starting === undefined || this.#closed) throw new BusUnavailable('the link is not running');
    return this.#shard(shard);
  }

  #shard(shard: number): RedisShard {
    return (this.#shards[shard] ??= new RedisShard({
      shard,
      name: this.#name,
      namespace: this.#namespace,
      route: this.#routes.to(shard),
      bounds: this.#bounds,
      timings: this.#timings,
      onEvent: this.#onEvent,
      onState: () => this.#updateStatus(),
    }));
  }

  #used(): RedisShard[] {
    return this.#shards.filter((shard) => shard !== undefined);
  }

  #updateStatus(): void {
    const next = this.#currentStatus();
    if (next === this.#status) return;
    this.#status = next;
    for (const listener of this.#listeners) listener(next);
  }

  #currentStatus(): LinkStatus {
    if (this.#closed) return 'closed';
    if (!this.#started) return 'connecting';
    return this.#used().some(({ isLost }) => isLost) ? 'reconnecting' : 'ready';
  }
}
