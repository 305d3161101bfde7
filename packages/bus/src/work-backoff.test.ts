import { describe, expect, it } from 'vitest';
import { DEFAULT_BUS_LIMITS } from './bus-limits.ts';
import { FrameError } from './errors.ts';
import { workVerdict } from './work-backoff.ts';

const after = (runs: number, error: unknown = new Error('x'), chance = 0.5): unknown =>
  workVerdict(error, runs, DEFAULT_BUS_LIMITS, chance);

describe('what becomes of failed work', () => {
  it('waits longer each time, up to a cap, and is put aside after the last run', () => {
    expect([1, 2, 3, 4, 5].map((runs) => after(runs))).toEqual([
      { retryInMs: 1_000 },
      { retryInMs: 5_000 },
      { retryInMs: 25_000 },
      { retryInMs: 30_000 },
      { reason: 'max_deliveries' },
    ]);
  });

  it('spreads its waits by a quarter to both sides', () => {
    expect([0, 1].map((chance) => after(1, new Error('x'), chance))).toEqual([
      { retryInMs: 750 },
      { retryInMs: 1_250 },
    ]);
  });

  it('does as the error asks, within a limit', () => {
    expect(after(1, { retryAfterMs: 42 })).toEqual({ retryInMs: 42 });
    expect(after(1, { retryAfterMs: 1e12 })).toEqual({ retryInMs: DEFAULT_BUS_LIMITS.workRetryAfterMaxMs });
    expect(after(1, { retryAfterMs: -1 })).toEqual({ retryInMs: 1_000 });
    expect(after(5, { retryAfterMs: 42 })).toEqual({ reason: 'max_deliveries' });
    expect(after(1, { code: 'odd', retryable: false })).toEqual({ reason: 'rejected' });
    expect(after(1, { code: 'internal', rpc: { retryable: false } })).toEqual({ reason: 'rejected' });
  });

  it('tries a defect again, although callers are told that it is none of theirs to repeat', () => {
    expect(after(1, { code: 'internal', retryable: false })).toEqual({ retryInMs: 1_000 });
    expect(after(1, 'a thrown text')).toEqual({ retryInMs: 1_000 });
    expect(after(1, undefined)).toEqual({ retryInMs: 1_000 });
  });

  it('does not repeat what cannot be read', () => {
    expect(after(1, new FrameError('body', 'x'))).toEqual({ reason: 'malformed' });
  });
});
