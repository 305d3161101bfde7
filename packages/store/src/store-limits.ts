/** Bounds of one store. */
export interface StoreLimits {
  /** Commands waiting for a batch; the next one is refused. Sixteen full batches: about a tenth of a second of work. */
  readonly maxQueuedCommands: number;
  /** Bytes of input waiting for a batch: the memory a slow disk may pin. */
  readonly maxQueuedBytes: number;
  /** Commands of one transaction: beyond it a longer batch gains nothing and delays the ones in it. */
  readonly maxBatchCommands: number;
  /** Bytes of input of one transaction. A single larger command is a batch of its own. */
  readonly maxBatchBytes: number;
}

export const STORE_LIMITS: StoreLimits = Object.freeze({
  maxQueuedCommands: 16_000,
  maxQueuedBytes: 64 * 1024 * 1024,
  maxBatchCommands: 1_000,
  maxBatchBytes: 4 * 1024 * 1024,
});
