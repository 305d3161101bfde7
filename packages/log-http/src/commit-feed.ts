import type { RegistryCommitted, RegistryHead } from '@macronode/contracts';

/** The commits of a log, as a process knows them: what its event streams are told. */
export abstract class CommitFeed {
  /** The newest version known here. Throws `unavailable` while none is, not even that there is none. */
  abstract head(): RegistryHead;

  /** Versions after `after`, in order and without a hole, at most `limit`; fewer, or none, when they are not at hand. */
  abstract committed(after: number, limit: number): Promise<readonly RegistryCommitted[]>;

  /**
   * Calls `listener` for each version in order, once, when `head()` has it already. The answer ends it. The listener does
   * not throw.
   */
  abstract subscribe(listener: (committed: RegistryCommitted) => void): () => void;
}
