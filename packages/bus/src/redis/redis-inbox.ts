import { BusUnavailable } from '../errors.ts';
import type { RedisConnection } from './redis-connection.ts';
import { backoffMs, loopFault } from './redis-failures.ts';
import type { RedisLinkEvent, RedisLinkTimings } from './redis-options.ts';
import { idAfter, streamEntry, streamsOf } from './redis-replies.ts';
import { OPEN_INBOX, TRIM_INBOX } from './redis-scripts.ts';
import { nextTurn, pause } from './pause.ts';
import type { CountedStream } from './stream-keys.ts';

const READ_ENTRIES_MAX = 256;
/** Bytes one read should return at most, by the average seen. */
const READ_BYTES = 4 * 1024 * 1024;
const START = '0-0';
/** What the owner has read of its inbox: everything below an id. */
interface Consumed {
  readonly upTo: string;
  readonly entries: number;
  readonly bytes: number;
}

/** What was read is trimmed at the latest after this time, in ms, and sooner when there is this much of it. */
const TRIM_WITHIN_MS = 20;
const TRIM_ENTRIES = 64;
const TRIM_BYTES = 1024 * 1024;
const NOTHING_READ: Consumed = Object.freeze({ upTo: '', entries: 0, bytes: 0 });

export interface InboxOptions {
  readonly instance: string;
  readonly keys: CountedStream;
  readonly writer: RedisConnection;
  readonly reader: RedisConnection;
  readonly timings: RedisLinkTimings;
  readonly onEntry: (entry: Uint8Array) => void;
  readonly onEvent: (event: RedisLinkEvent) => void;
}

/**
 * Reads one inbox in order, by plain XREAD from the last id: what arrived during a lost connection is read after it.
 * What was read is trimmed soon, so that the inbox stays short.
 */
export class RedisInbox {
  readonly #options: InboxOptions;
  readonly #stopping = new AbortController();
  #lastId = START;
  #opened = false;
  #loop: Promise<void> | undefined;
  #renewedAt = 0;
  #lastTraffic = Date.now();
  #bytesPerEntry = 1_024;
  /** Read and not trimmed. */
  #consumed = NOTHING_READ;
  #trimming = false;
  #trimTimer: NodeJS.Timeout | undefined;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  get instance(): string {
    return this.#options.instance;
  }

  get keys(): CountedStream {
    return this.#options.keys;
  }

  /** Makes the inbox and begins to read. Waits for Redis while it is away; rejects when the link is closed meanwhile. */
  async start(): Promise<void> {
    const { writer } = this.#options;
    for (let failures = 1; !this.#opened; failures++) {
      await writer.whenReady(this.#stopping.signal);
      if (writer.closed || this.#stopping.signal.aborted) throw new BusUnavailable('the link is closed');
      try {
        await this.renew();
      } catch {
        await pause(backoffMs(failures), this.#stopping.signal);
      }
    }
    await this.#options.reader.whenReady(this.#stopping.signal);
    this.#loop = this.#run();
  }

  /** Renews the lease; makes the inbox anew where it is gone. */
  async renew(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    const { writer, keys, timings, instance } = this.#options;
    // Taken as done from here on: the heartbeat and a quiet read often come due within the same millisecond.
    this.#renewedAt = performance.now();
    const made = await writer
      .run(OPEN_INBOX, [keys.stream, keys.counters], [timings.inboxLease])
      .catch((error: unknown) => {
        this.#renewedAt = 0;
        throw error;
      });
    if (made === 1 && this.#opened) {
      // A new stream may number from an earlier clock than the old one: all of it is new to us.
      this.#lastId = START;
      this.#options.onEvent({ type: 'inbox_remade', instance });
      void this.#unblock();
    }
    this.#opened = true;
  }

  /** Renews when a third of the lease is gone. */
  async renewIfDue(): Promise<void> {
    if (performance.now() - this.#renewedAt >= this.#options.timings.inboxRenew) await this.renew();
  }

  /** Ends the reading and removes the inbox: writers learn at once that nobody is there. */
  async close(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    const { writer, keys } = this.#options;
    await writer.command('del', [keys.stream, keys.counters]).catch(() => undefined);
    this.#options.reader.close();
    await this.#loop;
  }

  /** Drops everything at once, as a killed process would. */
  abandon(): void {
    this.#stopping.abort();
    this.#options.reader.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { reader, onEvent } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      try {
        await reader.whenReady(signal);
        if (signal.aborted) break;
        await this.#read();
        failures = 0;
      } catch (error) {
        if (signal.aborted) break;
        failures += 1;
        const message = error instanceof Error ? error.message : String(error);
        onEvent({ type: 'loop_restarted', role: 'inbox', fault: loopFault(error), message });
        if (reader.ready) await pause(backoffMs(failures), signal);
        await this.renew().catch(() => undefined);
      }
    }
  }

  async #read(): Promise<void> {
    const { reader, keys, timings } = this.#options;
    const isIdle = Date.now() - this.#lastTraffic > timings.idleAfter;
    const block = isIdle ? timings.idleBlock : timings.block;
    const count = Math.max(1, Math.min(READ_ENTRIES_MAX, Math.floor(READ_BYTES / this.#bytesPerEntry)));
    const from = this.#lastId;
    const reply = await reader.blockingRead(
      'xread',
      ['COUNT', count, 'BLOCK', block, 'STREAMS', keys.stream, from],
      block,
    );
    // Remade while we were blocked: this answer belongs to the stream that is gone.
    if (this.#lastId !== from) return;
    const entries = streamsOf(reply)[0]?.[1] ?? [];
    // A deleted stream does not wake its reader, so a quiet block asks whether it is still there; an idle one when it is due.
    if (entries.length === 0) return isIdle ? this.renewIfDue() : this.renew();
    this.#lastTraffic = Date.now();
    let bytes = 0;
    for (const item of entries) {
      const { id, entry } = streamEntry(item);
      this.#lastId = id;
      bytes += entry.byteLength;
      this.#bytesPerEntry += (entry.byteLength - this.#bytesPerEntry) / 16;
      try {
        this.#options.onEntry(entry);
      } catch (error) {
        this.#options.onEvent({ type: 'listener_failed', role: 'inbox', message: String(error) });
      }
    }
    this.#consumed = {
      upTo: this.#lastId,
      entries: this.#consumed.entries + entries.length,
      bytes: this.#consumed.bytes + bytes,
    };
    this.#scheduleTrim();
    // Whoever was answered may ask again in this turn: that leaves first.
    await nextTurn();
  }

  /** Trimming is worth a command when there is something to trim, and must not stand in the way of the next answer. */
  #scheduleTrim(): void {
    if (this.#trimming) return;
    const { entries, bytes } = this.#consumed;
    if (entries >= TRIM_ENTRIES || bytes >= TRIM_BYTES) void this.#trim();
    else this.#trimTimer ??= setTimeout(() => void this.#trim(), TRIM_WITHIN_MS).unref();
  }

  /** One trim is under way; the next covers whatever was read meanwhile. */
  async #trim(): Promise<void> {
    clearTimeout(this.#trimTimer);
    this.#trimTimer = undefined;
    if (this.#trimming || this.#stopping.signal.aborted) return;
    this.#trimming = true;
    const { writer, keys } = this.#options;
    const { upTo, bytes } = this.#consumed;
    this.#consumed = NOTHING_READ;
    // When it fails, the bytes are given back when the inbox is empty the next time; the entries by the next trim.
    await writer.run(TRIM_INBOX, [keys.stream, keys.counters], [idAfter(upTo), bytes]).catch(() => undefined);
    this.#trimming = false;
    if (this.#consumed.entries > 0) this.#scheduleTrim();
  }

  async #unblock(): Promise<void> {
    const id = this.#options.reader.clientId;
    if (id !== 0) await this.#options.writer.command('client', ['unblock', id]).catch(() => undefined);
  }
}
