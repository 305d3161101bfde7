/**
 * A command refused its caller. Nothing of it was stored; the other commands of its batch were.
 *
 * Commands throw this themselves (`throw new StoreCommandError('stale_seq', '…', { current: 7 })`), and any error they
 * throw arrives as one: `code` is the error's own string `code`, or `constraint` for a violated SQL constraint, or
 * `internal`; `details` are its other enumerable fields, as plain data. The service turns it into its domain error by `code`.
 */
export class StoreCommandError extends Error {
  override readonly name = 'StoreCommandError';
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

/** The queue of the writer is full, or another process holds the write lock. Nothing was stored; a repeat may succeed. */
export class StoreBusy extends Error {
  override readonly name = 'StoreBusy';
  readonly code = 'busy';
  readonly retryable = true;
  readonly retryAfterMs: number;
  readonly reason: 'commands' | 'bytes' | 'lock';

  constructor(reason: StoreBusy['reason'], retryAfterMs = 1_000) {
    super(`the store is busy: ${reason}`);
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The disk is full. The batch was rolled back; the store goes on and takes writes again once there is room. */
export class StoreFull extends Error {
  override readonly name = 'StoreFull';
  readonly code = 'no_space';
  readonly retryable = true;

  constructor(message = 'the disk of the store is full') {
    super(message);
  }
}

/**
 * The medium failed (I/O error, failed fsync, damaged file, dead writer). The commands in flight may or may not be on
 * disk; none was acknowledged. The store takes no write any more (a failed fsync must never be retried on the same
 * pages); reads go on. Only a new process, which recovers from disk, writes again.
 */
export class StoreFatal extends Error {
  override readonly name = 'StoreFatal';
  readonly code = 'unavailable';
  readonly retryable = true;
}

/** `close()` was called before this write. */
export class StoreClosed extends Error {
  override readonly name = 'StoreClosed';
  readonly code = 'unavailable';
  readonly retryable = true;

  constructor() {
    super('the store is closed');
  }
}
