import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { isLocked } from '@macronode/store';

/** SQLite waits this long for the lock at a time; the event loop stands still meanwhile, so it is short. */
const TRY_MS = 20;
const RETRY_MS = 100;

/** Thrown when another process writes this log. */
class LeaseHeld extends Error {
  override readonly name = 'LeaseHeld';

  constructor(folder: string) {
    super(
      `another process writes the log whose lock is in ${folder}. One log has one writer: ` +
        'stop that one first, or start this one as a replica with REGISTRY_FOLLOW',
    );
  }
}

/**
 * The right to write a log: an exclusive lock on a file, held for as long as the process lives. The kernel takes it
 * back however the process ends, so nothing has to expire and a paused writer keeps it.
 */
export class WriterLease implements Disposable {
  readonly #db: DatabaseSync;

  private constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** Waits up to `waitMs` for a writer that is on its way out. Rejects with {@link LeaseHeld}. */
  static async take(folder: string, waitMs: number): Promise<WriterLease> {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const until = performance.now() + waitMs;
    for (;;) {
      const lease = WriterLease.#try(join(folder, 'writer.lease'));
      if (lease !== undefined) return lease;
      if (performance.now() >= until) throw new LeaseHeld(folder);
      await pause(RETRY_MS);
    }
  }

  static #try(file: string): WriterLease | undefined {
    const db = new DatabaseSync(file, { timeout: TRY_MS });
    try {
      // Nothing is ever written: only the lock of the transaction counts.
      db.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
      return new WriterLease(db);
    } catch (error) {
      db.close();
      if (isLocked(error)) return undefined;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}
