import type { BusLimits } from './bus-limits.ts';
import { FrameError } from './errors.ts';
import type { DeadLetterReason } from './link.ts';

/** What becomes of a work event whose handler failed. */
export type WorkVerdict =
  | { readonly retryInMs: number; readonly reason?: undefined }
  | { readonly retryInMs?: undefined; readonly reason: DeadLetterReason };

/** Each wait is this many times the one before it. */
const BACKOFF_FACTOR = 5;

interface Asks {
  readonly code?: unknown;
  readonly retryable?: unknown;
  readonly retryAfterMs?: unknown;
  readonly rpc?: unknown;
}

/**
 * A pure function of the error, of the runs so far, and of chance (0 up to 1). `retryable: false` means that no repeat
 * can help, but for the code `internal`: a defect of one instance, or of one moment, is worth another try.
 */
export function workVerdict(error: unknown, runs: number, limits: BusLimits, chance = Math.random()): WorkVerdict {
  if (error instanceof FrameError) return { reason: 'malformed' };
  const asks = asksOf(error);
  if (asks.retryable === false && asks.code !== 'internal') return { reason: 'rejected' };
  if (runs >= limits.workAttempts) return { reason: 'max_deliveries' };
  const { retryAfterMs } = asks;
  if (typeof retryAfterMs === 'number' && retryAfterMs >= 0)
    return { retryInMs: Math.min(retryAfterMs, limits.workRetryAfterMaxMs) };
  const backoff = Math.min(limits.workBackoffMaxMs, limits.workBackoffMs * BACKOFF_FACTOR ** Math.max(0, runs - 1));
  return { retryInMs: Math.round(backoff * (0.75 + chance / 2)) };
}

/** What an error asks for, itself or as the content of an `RpcException`. */
function asksOf(error: unknown): Asks {
  if (typeof error !== 'object' || error === null) return {};
  const { rpc } = error as Asks;
  return typeof rpc === 'object' && rpc !== null ? rpc : error;
}
