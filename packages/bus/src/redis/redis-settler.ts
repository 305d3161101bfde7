import type { RedisConnection } from './redis-connection.ts';
import { backoffMs } from './redis-failures.ts';
import { pause } from './pause.ts';
import { SETTLE } from './redis-scripts.ts';
import type { StreamKeySet } from './stream-keys.ts';

/** What a settlement needs to know of a delivery. */
export interface Unsettled {
  readonly id: string;
  readonly frames: number;
  readonly bytes: number;
}

export interface SettlerOptions {
  readonly writer: RedisConnection;
  readonly keys: StreamKeySet;
  readonly group: string;
  /** Whether other groups may read the stream too. */
  readonly shared: boolean;
  readonly onSettled: (batch: readonly Unsettled[]) => void;
  /** Gives up what is not settled. */
  readonly stop: AbortSignal;
}

/** Entries of one script call: its loop must stay short, Redis serves nobody else meanwhile. */
const BATCH_MAX = 128;

/** What waits to be settled is sent at the latest after this time, in ms: an answer must not wait for a command about the last one. */
const SETTLE_WITHIN_MS = 10;
/** It is sent at once when it is worth a command of its own, or holds room that the bound of the stream misses. */
const ENTRIES_WORTH = 32;
const FRAMES_WORTH = 512;
const BYTES_WORTH = 1024 * 1024;

/**
 * Acknowledges and deletes in batches: one is under way, the next is whatever came meanwhile.
 * A batch whose outcome is unknown is sent again: the script counts an entry down only when it deletes it.
 */
export class RedisSettler {
  readonly #options: SettlerOptions;
  #queue: Unsettled[] = [];
  #frames = 0;
  #bytes = 0;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ending = false;

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  add(entry: Unsettled): void {
    this.#queue.push(entry);
    this.#frames += entry.frames;
    this.#bytes += entry.bytes;
    if (this.#running === undefined) this.#schedule();
  }

  /** Sends what waits and resolves when it is settled, or when settling was given up. From here on nothing waits. */
  async idle(): Promise<void> {
    this.#ending = true;
    while (this.#queue.length > 0 && !this.#options.stop.aborted) await (this.#running ?? this.#start());
    await this.#running;
  }

  #schedule(): void {
    if (this.#worth()) void this.#start();
    else this.#timer ??= setTimeout(() => void this.#start(), SETTLE_WITHIN_MS).unref();
  }

  #worth(): boolean {
    return (
      this.#ending || this.#queue.length >= ENTRIES_WORTH || this.#frames >= FRAMES_WORTH || this.#bytes >= BYTES_WORTH
    );
  }

  #start(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#running ??= this.#run();
    return this.#running;
  }

  async #run(): Promise<void> {
    const { writer, keys, shared, stop, onSettled } = this.#options;
    const { stream, counters, notes } = keys;
    // Requests carry no notes.
    const touched = shared ? [stream, counters, notes] : [stream, counters];
    // The rest of this microtask turn joins the first batch.
    await Promise.resolve();
    let failures = 0;
    do {
      const batch = this.#queue.splice(0, BATCH_MAX);
      try {
        await writer.run(SETTLE, touched, this.#arguments(batch));
        failures = 0;
        for (const { frames, bytes } of batch) {
          this.#frames -= frames;
          this.#bytes -= bytes;
        }
        onSettled(batch);
      } catch {
        this.#queue.unshift(...batch);
        failures += 1;
        await pause(backoffMs(failures), stop);
        await writer.whenReady(stop);
      }
    } while (this.#queue.length > 0 && !stop.aborted && (failures > 0 || this.#worth()));
    this.#running = undefined;
    if (this.#queue.length > 0 && !stop.aborted) this.#schedule();
  }

  #arguments(batch: readonly Unsettled[]): (string | number)[] {
    const { group, shared } = this.#options;
    const args: (string | number)[] = [group, shared ? '1' : '0'];
    for (const { id, frames, bytes } of batch) args.push(id, frames, bytes);
    return args;
  }
}
