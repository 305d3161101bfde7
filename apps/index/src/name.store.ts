import type { IfMatch } from './if-match.ts';

/** The current record of a name. */
export interface StoredName {
  readonly name: string;
  readonly seq: number;
  readonly owner: string;
  /** The canonical record with its signature. */
  readonly body: string;
  readonly etag: string;
}

export interface NameWrite extends StoredName {
  /** Wall clock, ms since the epoch: information only. */
  readonly storedAt: number;
  readonly mustBeNew: boolean;
  readonly ifMatch: IfMatch | undefined;
  /** Refuse with `raced` unless this is the current tag; null: unless there is no record. */
  readonly expected: string | null | undefined;
  /** Past records kept per name. */
  readonly historyMax: number;
}

/** What became of a write. Refusals change nothing; `current` is the stored sequence. */
export type NameOutcome =
  | { readonly outcome: 'created' | 'updated' | 'unchanged' }
  | { readonly outcome: 'not_owner' | 'precondition_failed' | 'stale_seq' | 'raced'; readonly current: number };

export interface PastName {
  readonly seq: number;
  readonly body: string;
  readonly etag: string;
  readonly storedAt: number;
}

/** Where names live. The checks of a write and the write itself are one step: no other write comes between. */
export abstract class NameStore {
  abstract get(name: string): Promise<StoredName | undefined>;

  /** Resolves once the outcome is durable. */
  abstract put(write: NameWrite): Promise<NameOutcome>;

  /** The records a name has had, newest first, the current one included. */
  abstract history(name: string, limit: number): Promise<readonly PastName[]>;

  /** How many names there are. */
  abstract count(): number;

  /** Whether the medium still takes writes. */
  abstract get writable(): boolean;

  abstract close(): Promise<void>;
}
