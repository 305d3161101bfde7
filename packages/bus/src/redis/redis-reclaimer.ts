import { randomBytes } from 'node:crypto';
import type { RedisConnection } from './redis-connection.ts';
import { jittered } from './redis-failures.ts';
import type { RedisLinkEvent, RedisLinkTimings } from './redis-options.ts';
import type { ConsumerPlace } from './redis-place.ts';
import { asArray, asBytes, asNumber, asText, type StreamEntry } from './redis-replies.ts';
import { JANITOR, RECLAIM, RELEASE, RENEW } from './redis-scripts.ts';

/** Entries claimed by one call, and looked at ten times as many. */
const CLAIM_COUNT = 32;
/** Bulk entries carry up to 1 MiB each: fewer of them, so that one reply stays small. */
const CLAIM_COUNT_BULK = 4;
/** Calls of one round: a long head of busy entries is passed in a few rounds, at a few ms of Redis each. */
const CALLS_PER_ROUND = 8;
const RENEW_BATCH = 128;
const JANITOR_CONSUMERS = 128;

/** An entry taken over from a silent consumer, with the broker's own count of its deliveries. */
export type ClaimedEntry = StreamEntry & { readonly attempt: number; readonly note: string | undefined };

export interface ReclaimerOptions {
  readonly place: ConsumerPlace;
  readonly writer: RedisConnection;
  readonly timings: RedisLinkTimings;
  readonly credits: () => number;
  readonly idle: () => boolean;
  /** Ids delivered at or before a time (`performance.now()`) and not settled. */
  readonly inFlightSince: (before: number) => string[];
  /** Hands entries on; returns how many were new to the consumer. */
  readonly deliver: (entries: readonly ClaimedEntry[]) => number;
  /** A claim was sent and its answer was lost. */
  readonly onLostReply: () => void;
  readonly onEvent: (event: RedisLinkEvent) => void;
}

/**
 * Housekeeping of one group: renews what this consumer is still working on, takes over what a silent one left, and
 * removes names of consumers that are gone. A stream with nothing pending costs one small call a round.
 */
export class RedisReclaimer {
  /** Proves the lease is ours. */
  readonly token = randomBytes(12).toString('hex');
  readonly #options: ReclaimerOptions;
  #timer: NodeJS.Timeout | undefined;
  #renewTimer: NodeJS.Timeout | undefined;
  #round: Promise<void> = Promise.resolve();
  #cursor = '0-0';
  #janitorAt = 0;
  #stopped = false;
  #renewing = false;
  /** A round is under way, or begins at once. */
  #hurried = false;
  #held = false;
  #pending = 0;

  constructor(options: ReclaimerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#renewTimer = setInterval(() => void this.#renew(), this.#options.timings.reclaimMinIdle / 3);
    this.#renewTimer.unref();
    this.#schedule();
  }

  /** Begins a round now: something was given back. */
  soon(): void {
    if (this.#stopped || this.#hurried) return;
    clearTimeout(this.#timer);
    this.#schedule(0);
  }

  /** Takes over nothing more. Renewal goes on until `end()`: handlers may still run. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** Ends the renewal too. */
  end(): void {
    this.stop();
    clearInterval(this.#renewTimer);
  }

  /** Resolves when no claim is under way. Never rejects. */
  settled(): Promise<void> {
    return this.#round;
  }

  #schedule(delay?: number): void {
    if (this.#stopped) return;
    const { timings, idle } = this.#options;
    const calm = this.#pending === 0 && idle();
    this.#hurried = delay === 0;
    this.#timer = setTimeout(
      () => {
        this.#hurried = true;
        this.#round = this.#reclaim().catch(() => this.#options.onLostReply());
        void this.#round.then(() => this.#schedule());
      },
      delay ?? jittered(calm ? timings.reclaimIdleEvery : timings.reclaimEvery),
    );
    this.#timer.unref();
  }

  async #reclaim(): Promise<void> {
    const { place, writer, credits } = this.#options;
    if (!writer.ready) return;
    const most = place.lane === 'bulk' ? CLAIM_COUNT_BULK : CLAIM_COUNT;
    let taken = 0;
    for (let call = 0; call < CALLS_PER_ROUND && !this.#stopped; call++) {
      const credit = credits();
      if (credit <= 0) {
        await this.#release();
        break;
      }
      const count = Math.min(most, Math.max(1, Math.floor(credit)));
      const [pending, held, cursor, ...entries] = await this.#claim(count);
      this.#pending = Math.max(0, asNumber(pending));
      this.#cursor = asText(cursor);
      this.#held = held === 1;
      if (!this.#held) break;
      taken += this.#options.deliver(entries.map(claimedEntry));
      if (this.#cursor === '0-0') break;
    }
    if (taken > 0) this.#options.onEvent({ type: 'reclaimed', stream: place.keys.stream, entries: taken });
    await this.#tidy();
  }

  async #claim(count: number): Promise<readonly unknown[]> {
    const { place, writer, timings } = this.#options;
    return asArray(
      await writer.run(
        RECLAIM,
        [place.keys.stream, place.keys.lease, place.keys.notes],
        [
          place.group,
          place.instance,
          timings.reclaimMinIdle,
          count,
          this.#cursor,
          this.token,
          // Two rounds with their jitter: the holder keeps its cursor, and is soon replaced when it is gone.
          Math.ceil(timings.reclaimEvery * 2.5),
        ],
      ),
    );
  }

  /** Without credit we cannot take anything over: somebody else shall. */
  async #release(): Promise<void> {
    if (!this.#held) return;
    this.#held = false;
    this.#cursor = '0-0';
    await this.#options.writer.run(RELEASE, [this.#options.place.keys.lease], [this.token]);
  }

  async #tidy(): Promise<void> {
    const { place, writer, timings, onEvent } = this.#options;
    const now = performance.now();
    if (now < this.#janitorAt) return;
    this.#janitorAt = now + jittered(timings.janitorEvery);
    const keys = [place.keys.stream, place.keys.live];
    const consumers = asNumber(await writer.run(JANITOR, keys, [place.group, JANITOR_CONSUMERS]));
    if (consumers > 0) onEvent({ type: 'consumers_removed', stream: place.keys.stream, consumers });
  }

  async #renew(): Promise<void> {
    if (this.#renewing) return;
    this.#renewing = true;
    const { place, writer, timings } = this.#options;
    const ids = this.#options.inFlightSince(performance.now() - timings.reclaimMinIdle / 3);
    for (let i = 0; i < ids.length && writer.ready; i += RENEW_BATCH) {
      const args = [place.group, place.instance, ...ids.slice(i, i + RENEW_BATCH)];
      // A renewal that fails is made up by the next one; three fit the idle time.
      await writer.run(RENEW, [place.keys.stream], args).catch(() => undefined);
    }
    this.#renewing = false;
  }
}

function claimedEntry(row: unknown): ClaimedEntry {
  const [id, attempt, frames, entry, group, note] = asArray(row);
  return {
    id: asText(id),
    attempt: Math.max(1, asNumber(attempt)),
    frames: Math.max(1, asNumber(frames)),
    entry: asBytes(entry),
    group: asText(group),
    note: Buffer.isBuffer(note) ? asText(note) : undefined,
  };
}
