import type { DeadLetterReason, LetterDetails } from '../dead-letters.ts';
import { BusUnavailable } from '../errors.ts';
import type { Consumer, ConsumeOptions, Delivery } from '../link.ts';
import { partitionOf } from '../order.ts';
import type { RedisClock } from './redis-clock.ts';
import type { RedisConnection } from './redis-connection.ts';
import { backoffMs, loopFault } from './redis-failures.ts';
import type { RedisLinkBounds, RedisLinkEvent, RedisLinkTimings } from './redis-options.ts';
import { ORDERED_ASSIGN, ORDERED_READ, ORDERED_RELEASE } from './redis-ordered-scripts.ts';
import { RedisPartition } from './redis-partition.ts';
import type { ConsumerPlace } from './redis-place.ts';
import { asArray, asBytes, asNumber, asText, streamsOf } from './redis-replies.ts';
import { pause } from './pause.ts';

/** Entries of one read (count): Redis serves nobody else meanwhile. */
const READ_ENTRIES_MAX = 32;

/** What the readers of one consumer know together: how many partitions there are, and among how many they are shared. */
export interface OrderedTeam {
  readonly partitions: number;
  /** Instances that live, as the last answer said; 0 before the first. */
  live: number;
  readonly readers: readonly RedisOrderedReader[];
}

export interface OrderedParts {
  readonly writer: RedisConnection;
  readonly openReader: (role: string) => RedisConnection;
  readonly clock: RedisClock;
  readonly timings: RedisLinkTimings;
  readonly onEvent: (event: RedisLinkEvent) => void;
  readonly bounds: RedisLinkBounds;
}

/**
 * Reads the partitions of one service or topic that stand on one shard, those this instance holds. One connection waits
 * for all of them, without taking anything; what is taken is read by a script that knows who holds the partition.
 */
export class RedisOrderedReader {
  readonly instance: string;
  /** Key of the set this instance is present in. */
  readonly live: string;
  readonly #places: ReadonlyMap<number, ConsumerPlace>;
  readonly #holders: string;
  readonly #group: string;
  readonly #options: ConsumeOptions;
  readonly #parts: OrderedParts;
  readonly #team: OrderedTeam;
  readonly #reader: RedisConnection;
  readonly #held = new Map<number, RedisPartition>();
  readonly #stopping = new AbortController();
  readonly #closing = new AbortController();
  readonly #role: string;
  #loop: Promise<void> | undefined;
  #wakeUp: (() => void) | undefined;
  #joined = false;
  #gone = false;
  #assignAt = 0;
  #lastTraffic = Date.now();

  constructor(places: readonly ConsumerPlace[], options: ConsumeOptions, parts: OrderedParts, team: OrderedTeam) {
    const [first] = places;
    if (first === undefined) throw new Error('a shard without partitions is not read');
    this.instance = first.instance;
    this.live = first.keys.live;
    this.#holders = first.keys.lease;
    this.#group = first.group;
    this.#places = new Map(places.map((place) => [partitionOf(place.lane), place]));
    this.#options = options;
    this.#parts = parts;
    this.#team = team;
    this.#role = `${first.kind}-ordered`;
    this.#reader = parts.openReader(this.#role);
  }

  get isPresent(): boolean {
    return this.#joined && !this.#gone;
  }

  get isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  get held(): number {
    return this.#held.size;
  }

  get heldPlaces(): readonly ConsumerPlace[] {
    return [...this.#held.values()].map(({ place }) => place);
  }

  partition(number: number | undefined): RedisPartition | undefined {
    return this.#held.get(number ?? -1);
  }

  /** Joins the living. Waits for Redis while it is away; rejects when the link is closed meanwhile. */
  async start(): Promise<void> {
    const { writer } = this.#parts;
    for (let failures = 1; !this.#joined; failures++) {
      await writer.whenReady(this.#closing.signal);
      if (this.#closing.signal.aborted || writer.closed) throw new BusUnavailable('the link is closed');
      try {
        await this.#assign();
      } catch {
        await pause(backoffMs(failures), this.#closing.signal);
      }
    }
    await this.#reader.whenReady(this.#closing.signal);
    this.#loop = this.#run();
  }

  wake(): void {
    this.#wakeUp?.();
  }

  /** After a reconnect: what was given to us and never arrived is read again. */
  rejoin(): void {
    this.#assignAt = 0;
    for (const partition of this.#held.values()) partition.readAgain();
    this.wake();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.wake();
    let stopped = this.#loop === undefined;
    void this.#loop?.then(() => (stopped = true));
    while (!stopped && !this.#closing.signal.aborted) {
      const id = this.#reader.clientId;
      if (id !== 0) await this.#parts.writer.command('client', ['unblock', id]).catch(() => undefined);
      await Promise.race([this.#loop, pause(50, this.#closing.signal)]);
    }
    this.#reader.close();
    for (const partition of this.#held.values()) partition.leaving = true;
    // While Redis is away nothing can be given back: the presence ends by itself.
    await this.#giveBack().catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.stop();
    const settled = Promise.all([...this.#held.values()].map((partition) => partition.settled()));
    await Promise.race([settled, pause(this.#parts.timings.close, this.#closing.signal)]);
    if (!this.#gone) await this.#release([...this.#held.keys()], 'leave').catch(() => undefined);
    this.abandon();
  }

  abandon(): void {
    this.#gone = true;
    this.#stopping.abort();
    this.#closing.abort();
    for (const partition of this.#held.values()) partition.abandon();
    this.wake();
    this.#reader.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.#parts.writer.whenReady(signal);
        await this.#reader.whenReady(signal);
        if (signal.aborted) break;
        if (performance.now() >= this.#assignAt) await this.#assign();
        if (!(await this.#readAll())) await this.#wait();
        failures = 0;
      } catch (error) {
        if (signal.aborted) break;
        failures += 1;
        const message = error instanceof Error ? error.message : String(error);
        this.#parts.onEvent({ type: 'loop_restarted', role: this.#role, fault: loopFault(error), message });
        // An answer may have been lost: what it gave us is pending, and comes before anything newer.
        for (const partition of this.#held.values()) partition.readAgain();
        await pause(backoffMs(failures), signal);
      }
    }
  }

  /** Takes a fair share, gives back what is more than that. */
  async #assign(): Promise<void> {
    const { writer, timings } = this.#parts;
    const asked = this.#allowance();
    const reply = asArray(
      await writer.run(
        ORDERED_ASSIGN,
        [this.live, this.#holders],
        [this.instance, timings.presence, asked, ...this.#places.keys()],
      ),
    );
    this.#joined = true;
    this.#team.live = Math.max(1, asNumber(reply[0]));
    const held = new Set(reply.slice(1).map(asNumber));
    for (const [number, partition] of this.#held) if (!held.has(number)) this.#lose(number, partition);
    for (const number of held) this.#take(number);
    const allowed = this.#allowance();
    const surplus = [...this.#held.values()].filter(({ leaving }) => !leaving).slice(allowed);
    for (const partition of surplus) partition.leaving = true;
    await this.#giveBack();
    // More than it asked for: the first answer only told how many there are.
    const more = allowed > asked && this.#held.size < Math.min(allowed, this.#places.size);
    this.#assignAt = performance.now() + (more ? 0 : timings.heartbeat);
  }

  #allowance(): number {
    const { partitions, live, readers } = this.#team;
    if (live === 0) return 0;
    const elsewhere = readers.reduce((sum, reader) => sum + (reader === this ? 0 : reader.held), 0);
    return Math.max(0, Math.ceil(partitions / live) - elsewhere);
  }

  #take(number: number): void {
    const place = this.#places.get(number);
    if (place === undefined || this.#held.has(number)) return;
    const { writer, bounds, onEvent } = this.#parts;
    const partition: RedisPartition = new RedisPartition(place, number, {
      writer,
      bounds,
      onEvent,
      onLost: () => this.#lose(number, partition),
      onIdle: () => void this.#giveBack().catch(() => undefined),
    });
    this.#held.set(number, partition);
  }

  #lose(number: number, partition: RedisPartition): void {
    partition.abandon();
    if (this.#held.get(number) === partition) this.#held.delete(number);
  }

  /** Gives back the partitions it leaves, as soon as all it took of them is settled. */
  async #giveBack(): Promise<void> {
    const ended = [...this.#held].filter(([, { leaving, isIdle }]) => leaving && isIdle);
    const leaves = this.isStopped && ended.length === this.#held.size;
    if (this.#gone || (ended.length === 0 && !this.isStopped)) return;
    if (leaves) this.#gone = true;
    for (const [number] of ended) this.#held.delete(number);
    await this.#release(
      ended.map(([number]) => number),
      leaves ? 'leave' : this.isStopped ? 'leaving' : 'stay',
    );
  }

  async #release(partitions: readonly number[], then: 'stay' | 'leaving' | 'leave'): Promise<void> {
    const args = [this.instance, then, ...partitions];
    await this.#parts.writer.run(ORDERED_RELEASE, [this.live, this.#holders], args);
  }

  /** Reads what is there, of each partition in turn; true when there may be more. */
  async #readAll(): Promise<boolean> {
    let more = false;
    for (const [number, partition] of [...this.#held]) {
      if (partition.leaving || !partition.hasMore || this.#stopping.signal.aborted) continue;
      const credits = this.#options.credits();
      if (credits <= 0) return false;
      await this.#readOne(number, partition, Math.min(READ_ENTRIES_MAX, credits));
      more ||= partition.hasMore;
    }
    return more;
  }

  async #readOne(number: number, partition: RedisPartition, count: number): Promise<void> {
    const { stream } = partition.place.keys;
    const from = partition.from;
    const reply = asArray(
      await this.#parts.writer.run(
        ORDERED_READ,
        [stream, this.#holders],
        [this.#group, this.instance, number, count, from],
      ),
    );
    if (reply[0] !== 1) return this.#lose(number, partition);
    const rows = reply.slice(2);
    const last = rows.length === 0 ? '' : asText(asArray(rows[rows.length - 1])[0]);
    partition.wasRead(from, asText(reply[1]), last, rows.length < count);
    for (const row of rows) {
      const [id, attempt, frames, entry, only] = asArray(row);
      const item = { id: asText(id), frames: Math.max(1, asNumber(frames)), bytes: asBytes(entry).byteLength };
      // Known already: read again for what else was pending.
      if (!partition.delivered(item)) continue;
      // Sent again for another group only: it passes here unseen.
      if (asText(only) !== '' && asText(only) !== this.#group) {
        partition.settle(item.id);
        continue;
      }
      this.#deliver({
        id: item.id,
        entry: asBytes(entry),
        attempt: Math.max(1, asNumber(attempt)),
        note: undefined,
        ageMs: this.#parts.clock.ageMs(item.id),
        partition: number,
      });
    }
  }

  #deliver(delivery: Delivery): void {
    this.#lastTraffic = Date.now();
    try {
      this.#options.onDelivery(delivery);
    } catch (error) {
      this.#parts.onEvent({ type: 'listener_failed', role: this.#role, message: String(error) });
    }
  }

  async #wait(): Promise<void> {
    const { timings } = this.#parts;
    const listening = [...this.#held.values()].filter(({ leaving }) => !leaving);
    if (listening.length === 0 || listening.some(({ hasMore }) => hasMore)) {
      return this.#untilWoken(Math.max(1, this.#assignAt - performance.now()));
    }
    const block = Date.now() - this.#lastTraffic > timings.idleAfter ? timings.idleBlock : timings.block;
    const streams = listening.map(({ place }) => place.keys.stream);
    const ids = listening.map(({ lastId }) => lastId);
    // One entry is enough to know that there are some: nothing is taken by looking.
    const args = ['COUNT', 1, 'BLOCK', block, 'STREAMS', ...streams, ...ids];
    const rung = new Set(streamsOf(await this.#reader.blockingRead('xread', args, block)).map(([stream]) => stream));
    for (const partition of listening) if (rung.has(partition.place.keys.stream)) partition.hasMore = true;
  }

  async #untilWoken(ms: number): Promise<void> {
    const woken = new AbortController();
    this.#wakeUp = () => woken.abort();
    if (this.#stopping.signal.aborted) woken.abort();
    await pause(ms, woken.signal);
    this.#wakeUp = undefined;
  }
}

/** Consumes what is ordered of one service or topic, over all shards its partitions stand on. */
export class RedisOrderedConsumer implements Consumer {
  readonly #readers: readonly RedisOrderedReader[];

  constructor(readers: readonly RedisOrderedReader[]) {
    this.#readers = readers;
  }

  wake(): void {
    for (const reader of this.#readers) reader.wake();
  }

  settle(delivery: Delivery): void {
    for (const reader of this.#readers) reader.partition(delivery.partition)?.settle(delivery.id);
  }

  /** Nobody else runs a part of it: there is nothing to note. */
  note(): Promise<boolean> {
    return Promise.resolve(false);
  }

  release(): void {
    // What is ordered is tried again by its consumer, or by the next holder.
  }

  async deadLetter(delivery: Delivery, reason: DeadLetterReason, details: LetterDetails = {}): Promise<void> {
    for (const reader of this.#readers) {
      await reader.partition(delivery.partition)?.deadLetter(delivery, reason, details);
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#readers.map((reader) => reader.stop()));
  }
}
