import type { DatabaseSync } from 'node:sqlite';
import type { Commands, CommandsModule } from './command.ts';
import { type BatchItem, type BatchReply, Engine } from './engine.ts';
import { GroupCommitStore } from './group-commit-store.ts';
import type { StoreMetrics } from './metrics.ts';
import type { StoreLimits } from './store-limits.ts';

/** The same commands on a database in memory, on this thread: it touches no disk and forgets everything on close. */
export class MemoryStore<C extends Commands> extends GroupCommitStore<C> {
  readonly #engine: Engine;

  constructor(module: CommandsModule, limits: StoreLimits, metrics: StoreMetrics) {
    super(limits, metrics);
    this.#engine = new Engine(undefined, module);
  }

  override get reader(): DatabaseSync {
    return this.#engine.db;
  }

  protected override async runBatch(items: readonly BatchItem[]): Promise<BatchReply> {
    return Promise.resolve(this.#engine.run(items));
  }

  protected override release(): Promise<void> {
    this.#engine.close();
    return Promise.resolve();
  }
}
