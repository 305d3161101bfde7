/** WAL size from which a busy writer checkpoints between two batches; below the size the journal is cut back to. */
const FORCED_BYTES = 16 * 1024 * 1024;

/** WAL size, and batches since the last checkpoint, from which an idle writer checkpoints: two fsyncs for less are not worth it. */
const IDLE_BYTES = 1024 * 1024;
const IDLE_BATCHES = 64;

/**
 * When committed pages are moved into the database file. A log that was moved whole is written again from its start, in a
 * file that keeps its size: only a file that has grown says that the log is longer than it was.
 */
export class CheckpointPolicy {
  #batches = 0;
  #walBytes = 0;

  /** After a batch. Whether to checkpoint before the next. */
  afterBatch(walBytes: number): boolean {
    this.#batches += 1;
    // SQLite cuts the file back when it begins anew.
    this.#walBytes = Math.min(this.#walBytes, walBytes);
    return walBytes >= FORCED_BYTES && walBytes > this.#walBytes;
  }

  /** When no batch came for a while. */
  whenIdle(walBytes: number): boolean {
    return walBytes >= IDLE_BYTES && this.#batches >= IDLE_BATCHES;
  }

  checkpointed(walBytes: number): void {
    this.#batches = 0;
    this.#walBytes = walBytes;
  }
}
