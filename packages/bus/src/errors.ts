/** Which bound refused. */
export type OverflowGate =
  /** Calls in flight of this client (count). */
  | 'client'
  /** Bytes of calls in flight of this client. */
  | 'client_bytes'
  /** Frames or bytes of a stream of the medium. */
  | 'stream'
  /** Receive windows of all streams of this process. */
  | 'credit'
  /** Handlers running and waiting on the receiving instance. */
  | 'handler';

export const OVERFLOW_GATES: readonly OverflowGate[] = Object.freeze([
  'client',
  'client_bytes',
  'stream',
  'credit',
  'handler',
]);

/** Codes of errors the bus itself raises; they are rows of the public error table. */
export type BusErrorCode =
  'busy' | 'deadline' | 'unavailable' | 'no_responders' | 'too_large' | 'outcome_unknown' | 'canceled';

/** Pause after a deadline that passed, in ms: long enough for a queue of short calls to drain, short for a person. */
const DEADLINE_RETRY_MS = 250;
/** Pause where nobody could be reached, in ms: about what a restart or a failover needs to be noticed. */
const AWAY_RETRY_MS = 1_000;

export interface BusErrorOptions {
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/** Base of every error the bus itself raises. An error the other side's handler answered is a `RemoteError`. */
export abstract class BusError extends Error {
  abstract readonly code: BusErrorCode;
  /** Whether the same call may succeed later. */
  abstract readonly retryable: boolean;
  /** Milliseconds after which a repeat makes sense; `retry_after_ms` in JSON. Undefined where nobody asked in vain. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: BusErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** A bound is full. Nothing was sent, nothing was dropped; `retryAfterMs` is always set. */
export class BusOverflow extends BusError {
  declare readonly retryAfterMs: number;
  readonly code = 'busy';
  readonly retryable = true;
  readonly gate: OverflowGate;

  constructor(gate: OverflowGate, retryAfterMs = 250, message = `the ${gate} bound of the bus is full`) {
    super(message, { retryAfterMs });
    this.gate = gate;
  }
}

/**
 * The deadline of a call passed, or a stream moved no byte for its idle timeout. Whoever was too slow still is: a repeat
 * waits `DEADLINE_RETRY_MS` unless told otherwise.
 */
export class BusDeadline extends BusError {
  declare readonly retryAfterMs: number;
  readonly code = 'deadline';
  readonly retryable = true;

  constructor(message = 'the deadline passed before an answer was there', options: BusErrorOptions = {}) {
    super(message, { ...options, retryAfterMs: options.retryAfterMs ?? DEADLINE_RETRY_MS });
  }
}

/** The medium, or the peer of a stream, cannot be reached now. Nothing took effect that was not answered before. */
export class BusUnavailable extends BusError {
  declare readonly retryAfterMs: number;
  readonly code = 'unavailable';
  readonly retryable = true;

  constructor(message = 'the bus is not able to carry this now', options: BusErrorOptions = {}) {
    super(message, { ...options, retryAfterMs: options.retryAfterMs ?? AWAY_RETRY_MS });
  }
}

/** No instance of the service is running, or it has no handler for the subject. */
export class BusNoResponders extends BusError {
  declare readonly retryAfterMs: number;
  readonly code = 'no_responders';
  readonly retryable = true;

  constructor(message = 'nobody answers this subject', options: BusErrorOptions = {}) {
    super(message, { ...options, retryAfterMs: options.retryAfterMs ?? AWAY_RETRY_MS });
  }
}

/**
 * The encoded message, or the answer to it, is over the frame limit (1 MiB with its headers). `retryAfterMs` is 0 and
 * `retryable` false: a repeat of the same message never helps, and nobody has to wait before sending a smaller one.
 */
export class BusPayloadTooLarge extends BusError {
  declare readonly retryAfterMs: number;
  readonly code = 'too_large';
  readonly retryable = false;

  constructor(message = 'the message is over the limit of a frame', options: BusErrorOptions = {}) {
    super(message, { ...options, retryAfterMs: 0 });
  }
}

/** The request was sent and no answer came back: it may have taken effect. Repeat it only if it is idempotent. */
export class BusOutcomeUnknown extends BusError {
  declare readonly retryAfterMs: number;
  readonly code = 'outcome_unknown';
  readonly retryable = true;

  constructor(message = 'the request was sent and no answer came back', options: BusErrorOptions = {}) {
    super(message, { ...options, retryAfterMs: options.retryAfterMs ?? AWAY_RETRY_MS });
  }
}

/** This bus is draining or closed. */
export class BusClosed extends BusError {
  declare readonly retryAfterMs: number;
  readonly code = 'unavailable';
  readonly retryable = true;

  constructor(message = 'the bus is closed', options: BusErrorOptions = {}) {
    super(message, { ...options, retryAfterMs: options.retryAfterMs ?? AWAY_RETRY_MS });
  }
}

/** The other side ended a stream, or its caller is gone. */
export class BusCanceled extends BusError {
  readonly code = 'canceled';
  readonly retryable = false;

  constructor(message = 'the other side canceled', options: BusErrorOptions = {}) {
    super(message, options);
  }
}

/** What a handler's error looks like on the wire. */
export interface RemoteErrorBody {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly retryAfterMs?: number | undefined;
  readonly reason?: string | undefined;
  readonly details?: unknown;
  /** Content of an `RpcException`, kept for the NestJS client. */
  readonly rpc?: unknown;
}

/** An error the handler answered. `code` is a word of the two services' contract. */
export class RemoteError extends Error {
  override readonly name = 'RemoteError';
  readonly code: string;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly reason: string | undefined;
  readonly details: unknown;
  /** Content of an `RpcException` thrown by a NestJS handler; undefined otherwise. */
  readonly rpc: unknown;

  constructor(body: RemoteErrorBody) {
    super(body.message);
    this.code = body.code;
    this.retryable = body.retryable;
    this.retryAfterMs = body.retryAfterMs;
    this.reason = body.reason;
    this.details = body.details;
    this.rpc = body.rpc;
  }
}

/** What is wrong with an entry. */
export type FrameFault =
  'version' | 'truncated' | 'trailing' | 'length' | 'frames' | 'kind' | 'codec' | 'headers' | 'strings' | 'body';

/** An entry that is not OAP/1, or is over a limit of it. Returned, never thrown, by the decoder. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
  readonly fault: FrameFault;

  constructor(fault: FrameFault, message: string) {
    super(message);
    this.fault = fault;
  }
}
