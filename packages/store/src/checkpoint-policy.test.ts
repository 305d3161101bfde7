import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CheckpointPolicy } from './checkpoint-policy.ts';

const MIB = 1024 * 1024;
const FORCED = 16 * MIB;
const KEPT = 32 * MIB;

/** A log as SQLite keeps it: once it was moved whole it begins anew, its file cut back to what is kept. */
class Log {
  bytes = 0;
  file = 0;
  checkpoints = 0;
  readonly #policy = new CheckpointPolicy();

  write(bytes: number, isMovable: boolean): void {
    this.bytes += bytes;
    this.file = Math.max(this.file, this.bytes);
    if (!this.#policy.afterBatch(this.file)) return;
    this.#policy.checkpointed(this.file);
    this.checkpoints += 1;
    if (!isMovable) return;
    this.bytes = 0;
    this.file = Math.min(this.file, KEPT);
  }
}

describe('when a busy writer checkpoints', () => {
  it('is once for each sixteen MiB of log, however long it writes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 4_096, max: 4 * MIB }), { minLength: 1_000, maxLength: 2_000 }),
        (batches) => {
          const log = new Log();
          for (const bytes of batches) {
            log.write(bytes, true);
            expect(log.bytes).toBeLessThanOrEqual(KEPT + 4 * MIB);
          }
          const written = batches.reduce((sum, bytes) => sum + bytes, 0);
          expect(log.checkpoints).toBeLessThanOrEqual(written / FORCED);
          expect(log.checkpoints).toBeGreaterThanOrEqual(Math.floor(written / (KEPT + 4 * MIB)));
        },
      ),
    );
  });

  it('is after each batch while a reader holds the log, until it can be moved', () => {
    const log = new Log();
    for (let i = 0; i < 20; i += 1) log.write(MIB, false);
    expect(log.checkpoints).toBe(5);
    log.write(MIB, true);
    expect(log.bytes).toBe(0);
    for (let i = 0; i < 16; i += 1) log.write(MIB, true);
    expect(log.checkpoints).toBe(6);
  });
});

describe('when an idle writer checkpoints', () => {
  it('is when there is something to move', () => {
    const policy = new CheckpointPolicy();
    for (let i = 0; i < 63; i += 1) policy.afterBatch(2 * MIB);
    expect(policy.whenIdle(2 * MIB)).toBe(false);
    policy.afterBatch(2 * MIB);
    expect(policy.whenIdle(MIB - 1)).toBe(false);
    expect(policy.whenIdle(2 * MIB)).toBe(true);
    policy.checkpointed(2 * MIB);
    expect(policy.whenIdle(2 * MIB)).toBe(false);
  });
});
