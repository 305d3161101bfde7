import type { Occupancy } from '@macronode/metrics';
import type { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import type { CommandInput, CommandName, Commands } from './command.ts';
import { type BatchItem, type BatchReply, type CommandOutcome, toCommandError } from './engine.ts';
import { StoreBusy, StoreClosed, StoreFatal, StoreFull } from './errors.ts';
import type { StoreMetrics } from './metrics.ts';
import { plainData } from './plain-data.ts';
import type { StoreLimits } from './store-limits.ts';
import { Store } from './store.ts';

interface Waiting extends BatchItem {
  readonly bytes: number;
  /** On the clock of `performance.now()`. */
  readonly queuedAt: number;
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Group commit: one batch in flight, the next one is whatever arrived meanwhile. No timers: an idle store commits a
 * single command at once, a loaded one shares each fsync among up to a thousand commands.
 */
export abstract class GroupCommitStore<C extends Commands> extends Store<C> {
  readonly #limits: StoreLimits;
  readonly #metrics: StoreMetrics;
  #queue: Waiting[] = [];
  #queuedBytes = 0;
  #batch: { readonly commands: number; readonly startedAt: number } | undefined;
  #running: Promise<void> | undefined;
  #fatal: StoreFatal | undefined;
  #fatalListeners: ((error: StoreFatal) => void)[] = [];
  #closing: Promise<void> | undefined;

  constructor(limits: StoreLimits, metrics: StoreMetrics) {
    super();
    this.#limits = limits;
    this.#metrics = metrics;
    metrics.queueDepth.collect(() => this.#queue.length);
    metrics.fatal.collect(() => (this.#fatal === undefined ? 0 : 1));
  }

  abstract override readonly reader: DatabaseSync;

  /** Runs one batch. Rejects with StoreBusy, StoreFull or StoreFatal when nothing of it may be acknowledged. */
  protected abstract runBatch(items: readonly BatchItem[]): Promise<BatchReply>;

  /** Releases the connections; no batch is running. */
  protected abstract release(): Promise<void>;

  override get fatal(): StoreFatal | undefined {
    return this.#fatal;
  }

  override write<K extends CommandName<C>>(command: K, input: CommandInput<C[K]>): Promise<ReturnType<C[K]>> {
    return new Promise((resolve, reject) => {
      const { value, bytes } = plainData(input);
      const refusal = this.#refusal(bytes);
      if (refusal !== undefined) {
        this.#metrics.commands.inc({ result: refusal instanceof StoreBusy ? 'busy' : 'failed' });
        reject(refusal);
        return;
      }
      this.#queue.push({ command, input: value, bytes, queuedAt: performance.now(), resolve, reject });
      this.#queuedBytes += bytes;
      this.#running ??= this.#run();
    });
  }

  /** Commands in line, and the batch that is with the writer. */
  occupancies(): readonly Occupancy[] {
    const now = performance.now();
    const [first] = this.#queue;
    const [held, bound] = [this.#queue.length, this.#limits.maxQueuedCommands];
    const batch = this.#batch;
    return [
      { kind: 'queue', name: 'store commands', held, bound, oldestMs: first && now - first.queuedAt },
      {
        kind: 'handler',
        name: 'store batch',
        held: batch?.commands ?? 0,
        bound: this.#limits.maxBatchCommands,
        oldestMs: batch && now - batch.startedAt,
      },
    ];
  }

  override onFatal(listener: (error: StoreFatal) => void): void {
    if (this.#fatal === undefined) this.#fatalListeners.push(listener);
    else listener(this.#fatal);
  }

  override close(): Promise<void> {
    this.#closing ??= (async () => {
      await this.#running;
      await this.release();
    })();
    return this.#closing;
  }

  /** The medium failed: refuses everything queued and everything to come. */
  protected fail(error: StoreFatal): void {
    if (this.#fatal !== undefined) return;
    this.#fatal = error;
    const waiting = this.#queue;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#rejectAll(waiting, error);
    for (const listener of this.#fatalListeners.splice(0)) listener(error);
  }

  #refusal(bytes: number): Error | undefined {
    if (this.#fatal !== undefined) return this.#fatal;
    if (this.#closing !== undefined) return new StoreClosed();
    if (this.#queue.length >= this.#limits.maxQueuedCommands) return new StoreBusy('commands');
    if (this.#queue.length > 0 && this.#queuedBytes + bytes > this.#limits.maxQueuedBytes)
      return new StoreBusy('bytes');
    return undefined;
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      // One turn of the event loop a batch: the calls of this turn travel together, callers just answered join the next
      // batch, and a loop of writes never starves I/O.
      await setImmediate();
      const batch = this.#takeBatch();
      this.#batch = { commands: batch.length, startedAt: performance.now() };
      try {
        const reply = await this.runBatch(batch.map(({ command, input }) => ({ command, input })));
        this.#settle(batch, reply);
      } catch (error) {
        const expected = error instanceof StoreBusy || error instanceof StoreFull || error instanceof StoreFatal;
        const failure = expected ? error : new StoreFatal('the writer could not be reached', { cause: error });
        this.#rejectAll(batch, failure);
        if (failure instanceof StoreFatal) this.fail(failure);
      }
    }
    this.#batch = undefined;
    this.#running = undefined;
  }

  #takeBatch(): Waiting[] {
    let count = 0;
    let bytes = 0;
    for (const waiting of this.#queue) {
      if (count >= this.#limits.maxBatchCommands) break;
      if (count > 0 && bytes + waiting.bytes > this.#limits.maxBatchBytes) break;
      bytes += waiting.bytes;
      count += 1;
    }
    this.#queuedBytes -= bytes;
    return this.#queue.splice(0, count);
  }

  #settle(batch: readonly Waiting[], reply: BatchReply): void {
    this.#metrics.commitSeconds.observe(reply.commitSeconds);
    this.#metrics.batchCommands.observe(batch.length);
    for (const [index, waiting] of batch.entries()) {
      const outcome: CommandOutcome | undefined = reply.outcomes[index];
      if (outcome === undefined) throw new StoreFatal('the writer answered fewer outcomes than commands');
      if (outcome.ok) {
        this.#metrics.commands.inc({ result: 'ok' });
        waiting.resolve(outcome.value as never);
      } else {
        this.#metrics.commands.inc({ result: 'refused' });
        waiting.reject(toCommandError(outcome.failure));
      }
    }
  }

  #rejectAll(batch: readonly Waiting[], error: Error): void {
    for (const waiting of batch) {
      this.#metrics.commands.inc({ result: error instanceof StoreBusy ? 'busy' : 'failed' });
      waiting.reject(error);
    }
  }
}
