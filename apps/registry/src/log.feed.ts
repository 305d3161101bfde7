import type { RegistryCommitted, RegistryHead } from '@macronode/contracts';
import { CommitFeed } from '@macronode/log-http';
import type { LogService } from './log.service.ts';

/** The commits of the log in this process: what its event streams are told. */
export class LogFeed extends CommitFeed {
  readonly #log: LogService;

  constructor(log: LogService) {
    super();
    this.#log = log;
  }

  override head(): RegistryHead {
    return this.#log.head;
  }

  override committed(after: number, limit: number): Promise<readonly RegistryCommitted[]> {
    return Promise.resolve(this.#log.committed(after, limit));
  }

  /** After the answer to whoever committed: a thousand clients are told in tens of milliseconds. */
  override subscribe(listener: (committed: RegistryCommitted) => void): () => void {
    return this.#log.onCommit((committed) => setImmediate(() => listener(committed)));
  }
}
