export interface StoredObject {
  readonly id: string;
  readonly size: number;
}

export interface CommittedObject extends StoredObject {
  /** False when the object was there already. */
  readonly created: boolean;
}

/** An object being written. Nothing of it is visible before `commit`, nothing remains after `abort`. One owner, one call at a time. */
export interface ObjectDraft {
  /** Bytes taken so far. */
  readonly size: number;
  /** @throws ServiceError `no_space`, `unavailable` */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * Makes the object visible; with a durable store it survives a power cut from then on.
   * `expected` is the id the bytes must hash to.
   * @throws ServiceError `digest_mismatch`, `no_space`, `busy`, `unavailable`; the draft is gone then, as after `abort`.
   */
  commit(expected?: string): Promise<CommittedObject>;
  /** Drops what was written. Safe to call at any time, more than once. */
  abort(): Promise<void>;
}

/** Objects by content id: immutable, verified on write and again on every read. */
export abstract class ObjectStore {
  abstract find(id: string): Promise<StoredObject | undefined>;

  /**
   * The bytes `[start, end)` in pieces of at most one chunk, each verified before it is given out.
   * @throws ServiceError `integrity` when stored bytes no longer hash to their id: they are not served, and set aside;
   * `not_found` when the object went away; `unavailable` when the medium cannot be read.
   */
  abstract read(object: StoredObject, start: number, end: number): AsyncGenerator<Uint8Array, void, undefined>;

  abstract draft(): ObjectDraft;

  /** Why a write would be refused now; undefined when it would be taken. */
  abstract refusal(): 'no_space' | 'unavailable' | undefined;

  abstract close(): Promise<void>;
}
