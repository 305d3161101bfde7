import { BusError, BusOutcomeUnknown, BusOverflow, BusUnavailable } from '../errors.ts';
import type { LoopFault } from './redis-options.ts';

/** Raised before a byte was written: the command certainly did not run. */
export class RedisNotSent extends Error {
  override readonly name = 'RedisNotSent';
}

/** A blocking read that was given up by the watchdog. */
export class RedisReadStuck extends Error {
  override readonly name = 'RedisReadStuck';
}

const RETRY_MS = 250;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Whether the server itself answered with an error, so that the outcome is known: it did not run. */
const isServerReply = (error: unknown): boolean => error instanceof Error && error.name === 'ReplyError';

/** Whether the shard does not stand where it was asked for: a slot was moved, or the primary is one no more. */
export const hasMoved = (error: unknown): boolean =>
  isServerReply(error) && /^(MOVED|READONLY|MASTERDOWN) /.test(messageOf(error));

/** Whether the slot of the shard is being moved right now: in a moment it is known where it stands. */
export const isMoving = (error: unknown): boolean => isServerReply(error) && /^(ASK|TRYAGAIN) /.test(messageOf(error));

/** Class of an error of a read loop. */
export function loopFault(error: unknown): LoopFault {
  if (error instanceof RedisReadStuck) return 'watchdog';
  if (!isServerReply(error)) return 'connection';
  const message = messageOf(error);
  if (message.includes('NOGROUP')) return 'no_group';
  if (message.startsWith('UNBLOCKED')) return 'unblocked';
  if (message.startsWith('LOADING')) return 'loading';
  if (message.startsWith('READONLY') || message.startsWith('MASTERDOWN')) return 'readonly';
  if (message.startsWith('OOM')) return 'out_of_memory';
  if (/^(MOVED|ASK|CLUSTERDOWN|TRYAGAIN|CROSSSLOT)/.test(message)) return 'cluster';
  if (message.startsWith('BUSY')) return 'busy_script';
  return 'other';
}

/** A wait around `ms`, so that a fleet that failed together does not come back together. */
export const jittered = (ms: number): number => Math.round(ms * (0.75 + Math.random() * 0.5));

/** Exponential backoff with full jitter, 50 ms to 5 s. `attempt` counts from 1. */
export const backoffMs = (attempt: number): number =>
  Math.round(50 + Math.random() * (Math.min(5_000, 50 * 2 ** Math.min(attempt, 10)) - 50));

/** Waiting time for a full stream: how long its consumers need for what it holds, within 50 ms and 5 s. */
export function retryAfterFull(framesHeld: number, framesPerSecond: number): number {
  const drain = framesPerSecond > 0 ? (framesHeld / framesPerSecond) * 1_000 : 1_000;
  return Math.min(5_000, Math.max(50, jittered(Math.min(5_000, Math.max(50, drain)))));
}

/** Maps the failure of a write to the bus's own errors; says honestly whether it may have taken effect. */
export function writeFailure(error: unknown): BusError {
  if (error instanceof BusError) return error;
  const message = messageOf(error);
  if (error instanceof RedisNotSent || message.startsWith("Stream isn't writeable")) {
    return new BusUnavailable('Redis cannot be reached', { retryAfterMs: jittered(RETRY_MS), cause: error });
  }
  if (isServerReply(error)) {
    if (message.startsWith('OOM')) return new BusOverflow('stream', jittered(1_000), 'Redis is out of memory');
    return new BusUnavailable('Redis refuses this now', { retryAfterMs: jittered(RETRY_MS), cause: error });
  }
  return new BusOutcomeUnknown('the connection to Redis was lost before it confirmed', {
    retryAfterMs: jittered(RETRY_MS),
    cause: error,
  });
}
