import type { RedisConnection } from './redis-connection.ts';
import { backoffMs } from './redis-failures.ts';
import { SETTLE } from './redis-scripts.ts';
import type { StreamKeySet } from './stream-keys.ts';

/** What a settlement needs to know of a delivery. */
export interface Unsettled {
  readonly id: string;
  readonly frames: number;
  readonly bytes: number;
}

/** Entries of one script call: its loop must stay short, Redis serves nobody else meanwhile. */
const BATCH_MAX = 128;

/**
 * Acknowledges and deletes in batches, self-clocked: one batch is under way, the next is whatever came meanwhile.
 * A batch whose outcome is unknown is sent again: the script counts an entry down only when it deletes it.
 */
export class RedisSettler {
  readonly #writer: RedisConnection;
  readonly #keys: StreamKeySet;
  readonly #group: string;
  readonly #shared: boolean;
  readonly #onSettled: (batch: readonly Unsettled[]) => void;
  readonly #stop: AbortSignal;
  #queue: Unsettled[] = [];
  #running: Promise<void> | undefined;

  constructor(options: {
    readonly writer: RedisConnection;
    readonly keys: StreamKeySet;
    readonly group: string;
    /** Whether other groups may read the stream too. */
    readonly shared: boolean;
    readonly onSettled: (batch: readonly Unsettled[]) => void;
    /** Gives up what is not settled. */
    readonly stop: AbortSignal;
  }) {
    this.#writer = options.writer;
    this.#keys = options.keys;
    this.#group = options.group;
    this.#shared = options.shared;
    this.#onSettled = options.onSettled;
    this.#stop = options.stop;
  }

  add(entry: Unsettled): void {
    this.#queue.push(entry);
    this.#running ??= this.#run();
  }

  /** Resolves when nothing waits to be settled, or when settling was given up. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    // The rest of this microtask turn joins the first batch.
    await Promise.resolve();
    const { stream, counters, notes } = this.#keys;
    // Requests carry no notes.
    const keys = this.#shared ? [stream, counters, notes] : [stream, counters];
    let failures = 0;
    while (this.#queue.length > 0 && !this.#stop.aborted) {
      const batch = this.#queue.splice(0, BATCH_MAX);
      try {
        await this.#writer.run(SETTLE, keys, this.#arguments(batch));
        failures = 0;
        this.#onSettled(batch);
      } catch {
        this.#queue.unshift(...batch);
        failures += 1;
        await pause(backoffMs(failures), this.#stop);
        await this.#writer.whenReady(this.#stop);
      }
    }
    this.#running = undefined;
  }

  #arguments(batch: readonly Unsettled[]): (string | number)[] {
    const args: (string | number)[] = [this.#group, this.#shared ? '1' : '0'];
    for (const { id, frames, bytes } of batch) args.push(id, frames, bytes);
    return args;
  }
}

/** Waits `ms`, or until the signal says so. Never rejects. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
