const KIB = 1024;
const MIB = 1024 * KIB;

/** Every bound of one Bus. Over a bound the answer is a typed refusal, never a silent drop or a longer queue. */
export interface BusLimits {
  /** Calls of this client without an answer (count). The next one is `BusOverflow('client')`. */
  readonly inflightCalls: number;
  /** Encoded bytes of those calls. The next one is `BusOverflow('client_bytes')`. */
  readonly inflightBytes: number;
  /** Handlers running at once in this instance (count). At the bound nothing more is read: backpressure stays in the stream. */
  readonly handlerConcurrency: number;
  /** Requests that may wait for a handler slot, for what arrives without credit (uploads); beyond it they are refused. */
  readonly handlerQueue: number;
  /** Waits a handler may park outside its slot (long polls; count). */
  readonly parkedHandlers: number;
  /** Streams this instance sends at once (count). */
  readonly outgoingStreams: number;
  /** First receive window of a stream, in bytes: one chunk, so that many small reads fit the process bound. */
  readonly streamCreditInitial: number;
  /** Largest receive window of a stream, in bytes; a stream that keeps pace grows to it. One frame may overdraw it. */
  readonly streamCreditMax: number;
  /** Receive windows of all streams of this bus, in bytes. A stream that finds less than its first window is refused. */
  readonly processCredit: number;
  /** A stream that moves no byte for this long is ended, in ms. */
  readonly streamIdleMs: number;
  /** A draining instance waits this long for the upload of a ticket it gave, in ms: one way to the caller and back. */
  readonly ticketMs: number;
  /** Runs of a work event before it is a dead letter (count), over all instances. */
  readonly workAttempts: number;
  /** Wait before the second run of a failed work event, in ms, ±25 %; five times as long before each further one. */
  readonly workBackoffMs: number;
  /** Longest of these waits, in ms: a dependency that restarts is back by then. */
  readonly workBackoffMaxMs: number;
  /** Longest wait a handler may ask for by the `retryAfterMs` of its error, in ms: what waits stays pending. */
  readonly workRetryAfterMaxMs: number;
}

export const DEFAULT_BUS_LIMITS: BusLimits = Object.freeze({
  inflightCalls: 1_024,
  inflightBytes: 64 * MIB,
  handlerConcurrency: 256,
  handlerQueue: 512,
  parkedHandlers: 4_096,
  outgoingStreams: 1_024,
  streamCreditInitial: 64 * KIB,
  streamCreditMax: MIB,
  processCredit: 64 * MIB,
  streamIdleMs: 15_000,
  ticketMs: 1_000,
  workAttempts: 5,
  workBackoffMs: 1_000,
  workBackoffMaxMs: 30_000,
  workRetryAfterMaxMs: 300_000,
});

/** Bounds of the medium, checked with the append: a full stream refuses, it never trims what nobody has read. */
export const LINK_BOUNDS = Object.freeze({
  /** Frames one request or work stream holds. */
  streamFrames: 8_192,
  /** Bytes one request or work stream holds. */
  streamBytes: 64 * MIB,
  /**
   * Longest time a request should wait for a consumer, in ms: a quarter of a usual deadline. While the first one that
   * nobody was given is older, a request stream takes no more: what waits longer is answered to nobody.
   */
  requestWaitMs: 1_250,
  /** Frames a request stream takes whatever waits, so that a few requests behind a pause are not refused. */
  requestFramesAnyway: 256,
  /** Hints one topic keeps; older ones are trimmed and counted as lag by whoever missed them. */
  hintEntries: 4_096,
  /** Bytes of hints one topic keeps. */
  hintBytes: 16 * MIB,
  /** Dead letters one service keeps; the oldest is dropped, which is counted. */
  deadLetterEntries: 4_096,
  /** Bytes of dead letters one service keeps. */
  deadLetterBytes: 64 * MIB,
  /**
   * Entries of one group delivered and not settled, over all its consumers: as many as a full stream of single frames,
   * and at some 550 bytes each what its pending list may cost the medium (4.5 MB).
   */
  groupPendingEntries: 8_192,
});
