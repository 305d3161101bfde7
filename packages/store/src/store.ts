import type { DatabaseSync } from 'node:sqlite';
import type { CommandInput, CommandName, Commands } from './command.ts';
import type { StoreFatal } from './errors.ts';

/**
 * An embedded database with one writer. `C` is `typeof commands` of the commands module.
 *
 * A resolved `write` is on disk (durable driver). Commands of one store run one after another, in the order of the calls.
 */
export abstract class Store<C extends Commands> {
  /**
   * A connection for synchronous reads on this thread; it sees every acknowledged write. Never write through it, and
   * never leave an iterator of it open across an await.
   */
  abstract readonly reader: DatabaseSync;

  /** Set once the medium failed: no write is taken any more, reads go on. */
  abstract readonly fatal: StoreFatal | undefined;

  /**
   * Runs a command in the next batch and resolves with its result after COMMIT.
   * The input belongs to the store until then: do not change it.
   *
   * Rejects with StoreCommandError (the command refused), StoreBusy (a bound is full), StoreFull (disk full),
   * StoreFatal (outcome unknown), StoreClosed, or TypeError when the input is not plain data.
   */
  abstract write<K extends CommandName<C>>(command: K, input: CommandInput<C[K]>): Promise<ReturnType<C[K]>>;

  /** Calls back once, when the store becomes fatal; at once if it already is. */
  abstract onFatal(listener: (error: StoreFatal) => void): void;

  /** Takes no new write, answers those accepted, then closes. May be called again. */
  abstract close(): Promise<void>;

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
