import { DatabaseSync } from 'node:sqlite';

/** A lock that another holds is not waited for, as the thread would stand still: who wants it tries again later. */
const WAIT_MS = 0;
const SQLITE_BUSY = 5;
/** The primary code of SQLite is the lowest byte of an extended one. */
const PRIMARY = 0xff;

/** Thrown when the log is written already, by another process or by another thread of this one. */
export class AuditLogHeld extends Error {
  override readonly name = 'AuditLogHeld';

  constructor(file: string) {
    super(`${file} is written by another process: an audit log has one writer, and each node one of its own`);
  }
}

/**
 * The right to write an audit log: an exclusive lock on a file `.lease` beside it, as two writers would tear each other's
 * chain. The kernel takes it back however the process ends, so nothing has to expire and the file may stay.
 */
export class AuditLease implements Disposable {
  readonly #db: DatabaseSync;

  private constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** Throws {@link AuditLogHeld}, and what SQLite throws where the file cannot be opened. */
  static take(file: string): AuditLease {
    const db = new DatabaseSync(`${file}.lease`, { timeout: WAIT_MS });
    try {
      // Nothing is ever written: only the lock of the transaction counts.
      db.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
      return new AuditLease(db);
    } catch (error) {
      db.close();
      throw isBusy(error) ? new AuditLogHeld(file) : error;
    }
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}

const isBusy = (error: unknown): boolean =>
  error instanceof Error &&
  'errcode' in error &&
  typeof error.errcode === 'number' &&
  (error.errcode & PRIMARY) === SQLITE_BUSY;
