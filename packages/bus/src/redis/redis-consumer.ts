import type { DeadLetterReason, LetterDetails } from '../dead-letters.ts';
import type { Consumer, ConsumeOptions, Delivery } from '../link.ts';
import { BusUnavailable } from '../errors.ts';
import type { RedisClock } from './redis-clock.ts';
import type { RedisConnection } from './redis-connection.ts';
import { backoffMs, loopFault, writeFailure } from './redis-failures.ts';
import type { RedisLinkBounds, RedisLinkEvent, RedisLinkTimings } from './redis-options.ts';
import type { ConsumerPlace } from './redis-place.ts';
import { type ClaimedEntry, RedisReclaimer } from './redis-reclaimer.ts';
import { asArray, asNumber, asText, streamEntry, streamsOf, type StreamEntry } from './redis-replies.ts';
import { letterArguments } from './redis-dead-letters.ts';
import { DEAD_LETTER } from './redis-letter-scripts.ts';
import { GIVE_BACK, JOIN, NOTE } from './redis-pending-scripts.ts';
import { LEAVE } from './redis-scripts.ts';
import { nextTurn, pause } from './pause.ts';
import { RedisSettler, type Unsettled } from './redis-settler.ts';

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

/** Share of the pending bound asked for beyond what is held (entries): what one instance runs at once. More is there for the asking. */
const SHARE_AHEAD = 256;
/** Between two requests for a larger share while there is none. */
const SHARE_AGAIN_MS = 100;

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
  #joining: Promise<void> = Promise.resolve();
  #leaving = false;
  /** Set when an answer may have been lost: entries could be pending under our name that we never saw. */
  #ownPendingUnknown = true;
  #firstRecovery = true;
  #lastTraffic = Date.now();
  #framesPerEntry = 1;
  #bytesPerEntry = 1_024;
  /** Entries this consumer may hold pending. */
  #share = 0;
  /** Entries the read under way may bring. */
  #reading = 0;
  #limited = false;
  #backAt = 0;
  readonly #returning = new Set<Promise<unknown>>();

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
        if (this.#limited) this.wake();
      },
      stop: this.#closing.signal,
    });
    this.#reclaimer = new RedisReclaimer({
      place,
      writer: parts.writer,
      timings: parts.timings,
      credits: options.credits,
      idle: () => this.idle,
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

  /** Creates the group where it is missing, and renews this consumer's presence and its share of the pending bound. */
  join(): Promise<void> {
    this.#joining = this.#join();
    return this.#joining;
  }

  async #join(): Promise<void> {
    if (this.#leaving) return;
    const { keys, group, instance } = this.place;
    const wanted = this.#inFlight.size + SHARE_AHEAD;
    const reply = asArray(
      await this.#parts.writer.run(
        JOIN,
        [keys.stream, keys.live, keys.shares, keys.notes, keys.counters],
        [group, instance, this.#parts.timings.presence, this.#parts.bounds.groupPendingEntries, this.#reading, wanted],
      ),
    );
    this.#share = asNumber(reply[1]);
    const backAt = asNumber(reply[2]);
    if (this.#joined && backAt > this.#backAt) this.#reclaimer.soon();
    this.#backAt = backAt;
    this.#joined = true;
    if (this.#limited) this.wake();
  }

  wake(): void {
    this.#wakeUp?.();
  }

  settle(delivery: Delivery): void {
    const known = this.#inFlight.get(delivery.id);
    this.#settler.add(known ?? { id: delivery.id, frames: 1, bytes: delivery.entry.byteLength });
  }

  async note(delivery: Delivery, text: string): Promise<boolean> {
    const { keys, group, instance } = this.place;
    try {
      return (
        (await this.#parts.writer.run(NOTE, [keys.stream, keys.notes], [group, instance, delivery.id, text])) === 1
      );
    } catch (error) {
      throw writeFailure(error);
    }
  }

  release(delivery: Delivery, note = ''): void {
    const { keys, group, instance } = this.place;
    // Nobody renews it from here on: were the word lost, it is reclaimed like an entry of a consumer that is gone.
    this.#inFlight.delete(delivery.id);
    const given: Promise<unknown> = this.#parts.writer
      .run(
        GIVE_BACK,
        [keys.stream, keys.notes, keys.counters],
        [group, instance, delivery.id, this.#parts.timings.reclaimMinIdle, note],
      )
      .catch(() => undefined)
      .then(() => this.#returning.delete(given));
    this.#returning.add(given);
  }

  async deadLetter(delivery: Delivery, reason: DeadLetterReason, details: LetterDetails = {}): Promise<void> {
    const { keys, deadLetters, service } = this.place;
    const frames = this.#inFlight.get(delivery.id)?.frames ?? 1;
    try {
      const reply = await this.#parts.writer.run(
        DEAD_LETTER,
        [keys.stream, keys.counters, deadLetters.stream, deadLetters.counters, keys.notes],
        letterArguments(this.place, this.#parts.bounds, { delivery, frames, reason, details }),
      );
      const [moved, dropped] = asArray(reply);
      if (moved === 1) this.#parts.onEvent({ type: 'dead_lettered', service, reason, dropped: asNumber(dropped) });
    } catch (error) {
      throw writeFailure(error);
    }
    if (details.part === undefined) this.#inFlight.delete(delivery.id);
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
    const settled = Promise.all([this.#settler.idle(), ...this.#returning]);
    await Promise.race([settled, pause(this.#parts.timings.close, this.#closing.signal)]);
    const { keys, group, instance } = this.place;
    await this.#parts.writer
      .run(LEAVE, [keys.stream, keys.live, keys.lease, keys.shares], [group, instance, this.#reclaimer.token])
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
        // A share under way may be smaller than the one we know.
        await this.#joining.catch(() => undefined);
        if (signal.aborted) break;
        const credits = this.#options.credits();
        const room = this.#share - this.#inFlight.size;
        if (credits <= 0) await this.#untilWoken();
        else if (room <= 0) await this.#untilRoom();
        else await this.#read(credits, room);
        failures = 0;
      } catch (error) {
        if (signal.aborted) break;
        failures += 1;
        await this.#recover(error, failures);
      }
    }
  }

  async #read(credits: number, room: number): Promise<void> {
    const { keys, group, instance } = this.place;
    const fitting = Math.min(credits / this.#framesPerEntry, READ_BYTES / this.#bytesPerEntry, READ_ENTRIES_MAX);
    this.#reading = Math.min(room, Math.max(1, Math.floor(fitting)));
    const block = this.idle ? this.#parts.timings.idleBlock : this.#parts.timings.block;
    const reply = await this.#reader.blockingRead(
      'xreadgroup',
      ['GROUP', group, instance, 'COUNT', this.#reading, 'BLOCK', block, 'STREAMS', keys.stream, '>'],
      block,
    );
    const streams = streamsOf(reply);
    for (const [, entries] of streams) {
      for (const item of entries) this.#deliver(streamEntry(item), 1);
    }
    this.#reading = 0;
    // What was delivered is answered first: the next read would stand before the answers in Redis.
    if (streams.length > 0) await nextTurn();
  }

  #deliver(item: StreamEntry, attempt: number, note?: string): void {
    // Redelivered while we still work on it (a stall outlasted the renewal): the first run goes on alone.
    if (this.#inFlight.has(item.id)) return;
    const bytes = item.entry.byteLength;
    this.#lastTraffic = Date.now();
    this.#framesPerEntry += (item.frames - this.#framesPerEntry) / 8;
    this.#bytesPerEntry += (bytes - this.#bytesPerEntry) / 8;
    this.#inFlight.set(item.id, { id: item.id, frames: item.frames, bytes, deliveredAt: performance.now() });
    // A replay that is another group's: this one has had it.
    if (item.group !== '' && item.group !== this.place.group)
      return this.#settler.add({ id: item.id, frames: item.frames, bytes });
    const ageMs = this.#parts.clock.ageMs(item.id);
    try {
      this.#options.onDelivery({ id: item.id, entry: item.entry, attempt, note, ageMs });
    } catch (error) {
      this.#parts.onEvent({ type: 'listener_failed', role: this.#role, message: String(error) });
    }
  }

  #deliverClaimed(entries: readonly ClaimedEntry[]): number {
    let delivered = 0;
    for (const item of entries) {
      if (this.#stopping.signal.aborted || this.#inFlight.has(item.id)) continue;
      delivered += 1;
      this.#deliver(item, item.attempt, item.note);
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
        if (claimed[0] === undefined) continue;
        const note = this.place.kind === 'work' ? await writer.command('hget', [keys.notes, id]) : null;
        const attempt = formerLife ? count + 1 : Math.max(1, count);
        this.#deliver(streamEntry(claimed[0]), attempt, Buffer.isBuffer(note) ? asText(note) : undefined);
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

  /** The share is used up: more is asked for, and until there is some, or something is settled, nothing is read. */
  async #untilRoom(): Promise<void> {
    const room = (): boolean => this.#share > this.#inFlight.size;
    await this.join();
    if (room() || this.#stopping.signal.aborted) return;
    if (!this.#limited) this.#parts.onEvent({ type: 'pending_limited', stream: this.place.keys.stream });
    this.#limited = true;
    const woken = new Promise<void>((resolve) => (this.#wakeUp = resolve));
    await Promise.race([woken, pause(SHARE_AGAIN_MS, this.#stopping.signal)]);
    this.#wakeUp = undefined;
    this.#limited = !room();
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

  /** Had nothing to do for a while. */
  get idle(): boolean {
    return this.#inFlight.size === 0 && Date.now() - this.#lastTraffic > this.#parts.timings.idleAfter;
  }

  #inFlightSince(before: number): string[] {
    const ids: string[] = [];
    for (const { id, deliveredAt } of this.#inFlight.values()) if (deliveredAt <= before) ids.push(id);
    return ids;
  }
}
