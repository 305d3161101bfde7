import { once } from 'node:events';
import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import { type Commands, siblingModule } from './command.ts';
import { type BatchItem, type BatchReply, openReader } from './engine.ts';
import { StoreBusy, StoreFatal, StoreFull } from './errors.ts';
import { GroupCommitStore } from './group-commit-store.ts';
import type { StoreMetrics } from './metrics.ts';
import type { StoreLimits } from './store-limits.ts';
import type { FromWriter, ToWriter, WriterData } from './writer-protocol.ts';

interface InFlight {
  readonly resolve: (reply: BatchReply) => void;
  readonly reject: (error: Error) => void;
}

function firstMessage(writer: Worker): Promise<FromWriter> {
  return new Promise((resolve, reject) => {
    writer.once('message', resolve);
    writer.once('error', reject);
    writer.once('exit', () => reject(new StoreFatal('the writer ended before it was ready')));
  });
}

/** The file itself may be new: its name is durable once its folder is. */
function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** A file, WAL, synchronous=FULL: batches commit on a worker thread, so that no fsync blocks the event loop. */
export class DurableStore<C extends Commands> extends GroupCommitStore<C> {
  override readonly reader: DatabaseSync;
  readonly #writer: Worker;
  #inFlight: InFlight | undefined;
  #released = false;

  private constructor(writer: Worker, reader: DatabaseSync, limits: StoreLimits, metrics: StoreMetrics) {
    super(limits, metrics);
    this.reader = reader;
    this.#writer = writer;
    writer.on('message', (message: FromWriter) => this.#receive(message));
    writer.on('error', (error: Error) =>
      this.#dead(new StoreFatal(`the writer died: ${error.message}`, { cause: error })),
    );
    writer.on('exit', () => this.#dead(new StoreFatal('the writer ended')));
  }

  /** @throws StoreFatal when the file cannot be opened, is damaged, or has a schema from the future. */
  static async open<C extends Commands>(
    file: string,
    module: URL,
    limits: StoreLimits,
    metrics: StoreMetrics,
  ): Promise<DurableStore<C>> {
    mkdirSync(dirname(file), { recursive: true });
    const writer = new Worker(siblingModule('./writer', import.meta.url), {
      name: 'store-writer',
      workerData: { file, module: module.href } satisfies WriterData,
    });
    try {
      const first = await firstMessage(writer);
      if (first.kind === 'fatal') throw new StoreFatal(first.message);
      syncFolder(dirname(file));
      return new DurableStore<C>(writer, openReader(file), limits, metrics);
    } catch (error) {
      await writer.terminate();
      throw error instanceof StoreFatal ? error : new StoreFatal('the store did not open', { cause: error });
    }
  }

  protected override runBatch(items: readonly BatchItem[]): Promise<BatchReply> {
    return new Promise((resolve, reject) => {
      this.#inFlight = { resolve, reject };
      this.#send({ kind: 'batch', items });
    });
  }

  protected override async release(): Promise<void> {
    this.#released = true;
    if (this.fatal === undefined) {
      // The reader first: the last connection to close is then the writer, which checkpoints and removes the WAL.
      this.reader.close();
      const exit = once(this.#writer, 'exit');
      this.#send({ kind: 'close' });
      await exit;
    } else {
      // After a failed fsync nothing may be moved from the WAL: the reader closes last, and it cannot checkpoint.
      await this.#writer.terminate();
      this.reader.close();
    }
  }

  #send(message: ToWriter): void {
    this.#writer.postMessage(message);
  }

  #receive(message: FromWriter): void {
    const inFlight = this.#inFlight;
    switch (message.kind) {
      case 'ready':
        return;
      case 'fatal':
        this.#dead(new StoreFatal(message.message));
        return;
      case 'reply':
        this.#inFlight = undefined;
        inFlight?.resolve(message.reply);
        return;
      case 'full':
        this.#inFlight = undefined;
        inFlight?.reject(new StoreFull(message.message));
        return;
      case 'busy':
        this.#inFlight = undefined;
        inFlight?.reject(new StoreBusy('lock'));
        return;
    }
  }

  #dead(error: StoreFatal): void {
    if (this.#released) return;
    const inFlight = this.#inFlight;
    this.#inFlight = undefined;
    this.fail(error);
    inFlight?.reject(error);
  }
}
