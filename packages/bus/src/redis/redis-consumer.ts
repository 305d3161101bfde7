import type { Consumer, ConsumeOptions, DeadLetterReason, Delivery } from '../link.ts';
import { BusUnavailable } from '../errors.ts';
import type { RedisClock } from './redis-clock.ts';
import type { RedisConnection } from './redis-connection.ts';
import { backoffMs, loopFault, writeFailure } from './redis-failures.ts';
import type { RedisLinkBounds, RedisLinkEvent, RedisLinkTimings } from './redis-options.ts';
import type { ConsumerPlace } from './redis-place.ts';
import { RedisReclaimer } from './redis-reclaimer.ts';
import { asArray, asNumber, asText, streamEntry, streamsOf, type StreamEntry } from './redis-replies.ts';
import { DEAD_LETTER, JOIN, LEAVE } from './redis-scripts.ts';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { pause, RedisSettler, type Unsettled } from './redis-settler.ts';

export interface ConsumerParts {
  readonly writer: RedisConnection;
  /** Makes the connection this consumer blocks on. */
  readonly openReader: (role: string) => RedisConnection;
  readonly clock: RedisClock;
  readonly bounds: RedisLinkBounds;
  readonly timings: RedisLinkTimings;
  readonly onEvent: (event: RedisLinkEvent) => void;
  /** Whether another consumer of this link keeps the instance present: its lanes share one presence. */
  readonly stillPresent: (place: ConsumerPlace) => boolean;
}

/** Entries of one read: a COUNT beyond it buys nothing and delays the first handler. */
const READ_ENTRIES_MAX = 512;
/** Bytes one read should return at most, by the average seen: a reply is one piece of memory. */
const READ_BYTES = 4 * 1024 * 1024;
/** Entries looked at and claimed at once when a consumer takes up what was pending under its own name. */
const OWN_PENDING_PAGE = 32;

interface InFlight extends Unsettled {
  readonly deliveredAt: number;
}

/** A supervised pull on one stream: every fault has an answer, and only `stop()` ends the loop. */
export class RedisConsumer implements Consumer {
  readonly place: ConsumerPlace;
  readonly #parts: ConsumerParts;
  readonly #options: ConsumeOptions;
  readonly #reader: RedisConnection;
  readonly #settler: RedisSettler;
  readonly #reclaimer: RedisReclaimer;
  readonly #inFlight = new Map<string, InFlight>();
  readonly #stopping = new AbortController();
  readonly #closing = new AbortController();
  readonly #role: string;
  #wakeUp: (() => void) | undefined;
  #loop: Promise<void> | undefined;
  #joined = false;
  #leaving = false;
  /** Set when an answer may have been lost: entries could be pending under our name that we never saw. */
  #ownPendingUnknown = true;
  #firstRecovery = true;
  #lastTraffic = Date.now();
  #framesPerEntry = 1;
  #bytesPerEntry = 1_024;

  constructor(place: ConsumerPlace, options: ConsumeOptions, parts: ConsumerParts) {
    this.place = place;
    this.#options = options;
    this.#parts = parts;
    this.#role = `${place.kind}-${place.lane === 'none' ? place.name : place.lane}`;
    this.#reader = parts.openReader(this.#role);
    this.#settler = new RedisSettler({
      writer: parts.writer,
      keys: place.keys,
      group: place.group,
      shared: place.kind === 'work',
      onSettled: (batch) => {
        for (const { id } of batch) this.#inFlight.delete(id);
      },
      stop: this.#closing.signal,
    });
    this.#reclaimer = new RedisReclaimer({
      place,
      writer: parts.writer,
      timings: parts.timings,
      credits: options.credits,
      idle: () => this.#idle(),
      inFlightSince: (before) => this.#inFlightSince(before),
      deliver: (entries) => this.#deliverClaimed(entries),
      onLostReply: () => (this.#ownPendingUnknown = true),
      onEvent: parts.onEvent,
    });
  }

  /** Joins the group and begins to read. Waits for Redis while it is away; rejects when the link is closed meanwhile. */
  async start(): Promise<void> {
    for (let failures = 1; !this.#joined; failures++) {
      await this.#parts.writer.whenReady(this.#closing.signal);
      if (this.#closing.signal.aborted || this.#parts.writer.closed) throw new BusUnavailable('the link is closed');
      try {
        await this.join();
      } catch {
        await pause(backoffMs(failures), this.#closing.signal);
      }
    }
    await this.#reader.whenReady(this.#closing.signal);
    this.#loop = this.#run();
    this.#reclaimer.start();
  }

  /** Creates the group where it is missing and renews this consumer's presence. */
  async join(): Promise<void> {
    if (this.#leaving) return;
    const { keys, group, instance } = this.place;
    await this.#parts.writer.run(JOIN, [keys.stream, keys.live], [group, instance, this.#parts.timings.presence]);
    this.#joined = true;
  }

  wake(): void {
    this.#wakeUp?.();
  }

  settle(delivery: Delivery): void {
    const known = this.#inFlight.get(delivery.id);
    this.#settler.add(known ?? { id: delivery.id, frames: 1, bytes: delivery.entry.byteLength });
  }

  release(delivery: Delivery): void {
    // Nobody renews it from here on, so it is reclaimed like an entry of a consumer that is gone.
    this.#inFlight.delete(delivery.id);
  }

  async deadLetter(delivery: Delivery, reason: DeadLetterReason): Promise<void> {
    const { keys, deadLetters, group, instance, kind, service } = this.place;
    const { deadLetterEntries, deadLetterBytes } = this.#parts.bounds;
    const frames = this.#inFlight.get(delivery.id)?.frames ?? 1;
    try {
      const reply = await this.#parts.writer.run(
        DEAD_LETTER,
        [keys.stream, keys.counters, deadLetters.stream, deadLetters.counters],
        [
          group,
          kind === 'work' ? '1' : '0',
          delivery.id,
          frames,
          reason,
          delivery.attempt,
          instance,
          deadLetterEntries,
          deadLetterBytes,
        ],
      );
      const [moved, dropped] = asArray(reply);
      if (moved === 1) this.#parts.onEvent({ type: 'dead_lettered', service, reason, dropped: asNumber(dropped) });
    } catch (error) {
      throw writeFailure(error);
    } finally {
      // Where it failed nobody renews the entry any more, so that it is reclaimed and tried again.
      this.#inFlight.delete(delivery.id);
    }
  }

  async stop(): Promise<void> {
    if (!this.#leaving) {
      const { keys, instance } = this.place;
      this.#leaving = true;
      // Out of sight first: what is admitted from now on is not meant for us.
      if (!this.#parts.stillPresent(this.place)) {
        await this.#parts.writer.command('zrem', [keys.live, instance]).catch(() => undefined);
      }
      this.#stopping.abort();
      this.#reclaimer.stop();
      this.wake();
    }
    let stopped = this.#loop === undefined;
    void this.#loop?.then(() => (stopped = true));
    while (!stopped) {
      await this.#unblock();
      await Promise.race([this.#loop, pause(50, this.#closing.signal)]);
      if (this.#closing.signal.aborted) break;
    }
    await this.#reclaimer.settled();
    this.#reader.close();
  }

  /** Settles what is left, takes the name out of the group, and gives everything back. */
  async close(): Promise<void> {
    await this.stop();
    await Promise.race([this.#settler.idle(), pause(this.#parts.timings.close, this.#closing.signal)]);
    const { keys, group, instance } = this.place;
    await this.#parts.writer
      .run(LEAVE, [keys.stream, keys.live, keys.lease], [group, instance, this.#reclaimer.token])
      .catch(() => undefined);
    this.abandon();
  }

  /** Drops everything at once, as a killed process would: nothing is settled, nothing is said to Redis. */
  abandon(): void {
    this.#leaving = true;
    this.#stopping.abort();
    this.#closing.abort();
    this.#reclaimer.end();
    this.wake();
    this.#reader.close();
  }

  /** Has had its group once. */
  get joined(): boolean {
    return this.#joined;
  }

  get leaving(): boolean {
    return this.#leaving;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.#reader.whenReady(signal);
        if (this.#ownPendingUnknown) await this.#takeUpOwnPending();
        if (signal.aborted) break;
        const credits = this.#options.credits();
        if (credits <= 0) await this.#untilWoken();
        else await this.#read(credits);
        failures = 0;
      } catch (error) {
        if (signal.aborted) break;
        failures += 1;
        await this.#recover(error, failures);
      }
    }
  }

  async #read(credits: number): Promise<void> {
    const { keys, group, instance } = this.place;
    const fitting = Math.min(credits / this.#framesPerEntry, READ_BYTES / this.#bytesPerEntry, READ_ENTRIES_MAX);
    const block = this.#idle() ? this.#parts.timings.idleBlock : this.#parts.timings.block;
    const reply = await this.#reader.blockingRead(
      'xreadgroup',
      [
        'GROUP',
        group,
        instance,
        'COUNT',
        Math.max(1, Math.floor(fitting)),
        'BLOCK',
        block,
        'STREAMS',
        keys.stream,
        '>',
      ],
      block,
    );
    const streams = streamsOf(reply);
    for (const [, entries] of streams) {
      for (const item of entries) this.#deliver(streamEntry(item), 1);
    }
    // What was delivered is answered first: the next read would stand before the answers in Redis.
    if (streams.length > 0) await nextTurn();
  }

  #deliver(item: StreamEntry, attempt: number): void {
    // Redelivered while we still work on it (a stall outlasted the renewal): the first run goes on alone.
    if (this.#inFlight.has(item.id)) return;
    const bytes = item.entry.byteLength;
    this.#lastTraffic = Date.now();
    this.#framesPerEntry += (item.frames - this.#framesPerEntry) / 8;
    this.#bytesPerEntry += (bytes - this.#bytesPerEntry) / 8;
    this.#inFlight.set(item.id, { id: item.id, frames: item.frames, bytes, deliveredAt: performance.now() });
    try {
      this.#options.onDelivery({ id: item.id, entry: item.entry, attempt, ageMs: this.#parts.clock.ageMs(item.id) });
    } catch (error) {
      this.#parts.onEvent({ type: 'listener_failed', role: this.#role, message: String(error) });
    }
  }

  #deliverClaimed(entries: readonly (StreamEntry & { attempt: number })[]): number {
    let delivered = 0;
    for (const item of entries) {
      if (this.#stopping.signal.aborted || this.#inFlight.has(item.id)) continue;
      delivered += 1;
      this.#deliver(item, item.attempt);
    }
    return delivered;
  }

  /**
   * Takes up entries pending under our own name that we do not know: those of a former life of this instance, and those
   * whose reply was lost with a connection. The latter were never run, so their delivery count stays as it is.
   */
  async #takeUpOwnPending(): Promise<void> {
    const { keys, group, instance } = this.place;
    const { writer } = this.#parts;
    await this.#reclaimer.settled();
    const formerLife = this.#firstRecovery;
    let from = '-';
    for (;;) {
      await writer.whenReady(this.#stopping.signal);
      if (this.#stopping.signal.aborted) return;
      const page = asArray(
        await writer.command('xpending', [keys.stream, group, from, '+', OWN_PENDING_PAGE, instance]),
      );
      const unknown = page
        .map((row) => {
          const [id, , , count] = asArray(row);
          return { id: asText(id), count: asNumber(count) };
        })
        .filter(({ id }) => !this.#inFlight.has(id));
      for (const { id, count } of unknown) {
        while (this.#options.credits() <= 0 && !this.#stopping.signal.aborted) await this.#untilWoken();
        if (this.#stopping.signal.aborted) return;
        const kept = formerLife ? [] : ['RETRYCOUNT', count];
        const claimed = asArray(await writer.command('xclaim', [keys.stream, group, instance, 0, id, ...kept]));
        if (claimed[0] !== undefined)
          this.#deliver(streamEntry(claimed[0]), formerLife ? count + 1 : Math.max(1, count));
      }
      if (page.length < OWN_PENDING_PAGE) break;
      from = `(${asText(asArray(page[page.length - 1])[0])}`;
    }
    this.#firstRecovery = false;
    this.#ownPendingUnknown = false;
  }

  async #recover(error: unknown, failures: number): Promise<void> {
    const fault = loopFault(error);
    const message = error instanceof Error ? error.message : String(error);
    this.#parts.onEvent({ type: 'loop_restarted', role: this.#role, fault, message });
    if (fault === 'connection' || fault === 'watchdog') {
      this.#ownPendingUnknown = true;
      if (!this.#reader.ready) return;
    }
    if (fault === 'no_group' || fault === 'unblocked') {
      try {
        await this.join();
        if (failures === 1) return;
      } catch {
        // Redis is away again: the next round finds out.
      }
    }
    await pause(backoffMs(failures), this.#stopping.signal);
  }

  #untilWoken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wakeUp = () => {
        this.#wakeUp = undefined;
        resolve();
      };
      if (this.#stopping.signal.aborted || this.#options.credits() > 0) this.#wakeUp();
    });
  }

  async #unblock(): Promise<void> {
    const id = this.#reader.clientId;
    if (id !== 0) await this.#parts.writer.command('client', ['unblock', id]).catch(() => undefined);
  }

  #idle(): boolean {
    return this.#inFlight.size === 0 && Date.now() - this.#lastTraffic > this.#parts.timings.idleAfter;
  }

  #inFlightSince(before: number): string[] {
    const ids: string[] = [];
    for (const { id, deliveredAt } of this.#inFlight.values()) if (deliveredAt <= before) ids.push(id);
    return ids;
  }
}
