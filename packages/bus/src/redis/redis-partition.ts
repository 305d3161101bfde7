import type { DeadLetterReason, LetterDetails } from '../dead-letters.ts';
import type { Delivery } from '../link.ts';
import type { RedisConnection } from './redis-connection.ts';
import { backoffMs, writeFailure } from './redis-failures.ts';
import type { RedisLinkBounds, RedisLinkEvent } from './redis-options.ts';
import { letterArguments } from './redis-dead-letters.ts';
import { DEAD_LETTER } from './redis-letter-scripts.ts';
import { ORDERED_SETTLE } from './redis-ordered-scripts.ts';
import type { ConsumerPlace } from './redis-place.ts';
import { asArray, asNumber } from './redis-replies.ts';
import { pause } from './pause.ts';
import { type Unsettled } from './redis-settler.ts';

/** Entries settled by one call (count): its loop must stay short. */
const BATCH_MAX = 128;
const BEGINNING = '0-0';
/** Name every holder reads under, so that what is pending passes from one to the next. */
const HOLDER = 'ordered';

export interface PartitionOptions {
  readonly writer: RedisConnection;
  readonly bounds: RedisLinkBounds;
  readonly onEvent: (event: RedisLinkEvent) => void;
  /** Somebody else holds the partition. */
  readonly onLost: () => void;
  /** All that was taken is settled. */
  readonly onIdle: () => void;
}

/** One partition while this instance holds it: how far it was read, and what was taken and not settled. */
export class RedisPartition {
  readonly place: ConsumerPlace;
  readonly number: number;
  /** Nothing more is read; it is given back once it is idle. */
  leaving = false;
  /** There may be something to read. */
  hasMore = true;
  /** Last id given to the group: what comes behind it is new. */
  lastId = BEGINNING;
  readonly #options: PartitionOptions;
  readonly #inFlight = new Map<string, Unsettled>();
  readonly #ended = new AbortController();
  /** Where what is pending is read again from; undefined once all of it was. */
  #pendingFrom: string | undefined = BEGINNING;
  #settling: Unsettled[] = [];
  #running: Promise<void> | undefined;

  constructor(place: ConsumerPlace, number: number, options: PartitionOptions) {
    this.place = place;
    this.number = number;
    this.#options = options;
  }

  get isIdle(): boolean {
    return this.#inFlight.size === 0;
  }

  get from(): string {
    return this.#pendingFrom ?? '>';
  }

  readAgain(): void {
    this.#pendingFrom = BEGINNING;
    this.hasMore = true;
  }

  /** Takes in how far a read came: from where, the last id the group was given, the last one read, and whether that was all. */
  wasRead(from: string, lastGiven: string, last: string, isEnd: boolean): void {
    if (from === '>') {
      if (last !== '') this.lastId = last;
      if (isEnd && this.#pendingFrom === undefined) this.hasMore = false;
    } else if (this.#pendingFrom === from) {
      if (lastGiven !== '') this.lastId = lastGiven;
      this.#pendingFrom = isEnd ? undefined : last;
    }
  }

  /** Notes what was taken; false when it is known already. */
  delivered(item: Unsettled): boolean {
    if (this.#inFlight.has(item.id)) return false;
    this.#inFlight.set(item.id, item);
    return true;
  }

  settle(id: string): void {
    const item = this.#inFlight.get(id);
    if (item === undefined || this.#ended.signal.aborted) return;
    this.#settling.push(item);
    this.#running ??= this.#settle();
  }

  async deadLetter(delivery: Delivery, reason: DeadLetterReason, details: LetterDetails): Promise<void> {
    const { keys, deadLetters, service } = this.place;
    const { writer, bounds, onEvent } = this.#options;
    const frames = this.#inFlight.get(delivery.id)?.frames ?? 1;
    try {
      const reply = await writer.run(
        DEAD_LETTER,
        [keys.stream, keys.counters, deadLetters.stream, deadLetters.counters, keys.notes],
        letterArguments({ ...this.place, instance: HOLDER }, bounds, { delivery, frames, reason, details }),
      );
      const [moved, dropped] = asArray(reply);
      if (moved === 1) onEvent({ type: 'dead_lettered', service, reason, dropped: asNumber(dropped) });
    } catch (error) {
      this.readAgain();
      throw writeFailure(error);
    } finally {
      this.#forget([delivery.id]);
    }
  }

  /** Resolves when nothing waits to be settled, or when that was given up. */
  async settled(): Promise<void> {
    await this.#running;
  }

  abandon(): void {
    this.#ended.abort();
  }

  async #settle(): Promise<void> {
    const { keys, group, instance, kind } = this.place;
    const { writer, onLost } = this.#options;
    const { signal } = this.#ended;
    // The rest of this microtask turn joins the first batch.
    await Promise.resolve();
    for (let failures = 0; this.#settling.length > 0 && !signal.aborted;) {
      const batch = this.#settling.splice(0, BATCH_MAX);
      const args = [group, kind === 'work' ? '1' : '0', instance, this.number];
      for (const { id, frames, bytes } of batch) args.push(id, frames, bytes);
      try {
        const reply = await writer.run(ORDERED_SETTLE, [keys.stream, keys.counters, keys.lease], args);
        failures = 0;
        if (reply === -1) onLost();
        else this.#forget(batch.map(({ id }) => id));
      } catch {
        this.#settling.unshift(...batch);
        failures += 1;
        await pause(backoffMs(failures), signal);
        await writer.whenReady(signal);
      }
    }
    this.#running = undefined;
  }

  #forget(ids: readonly string[]): void {
    for (const id of ids) this.#inFlight.delete(id);
    if (this.isIdle) this.#options.onIdle();
  }
}
