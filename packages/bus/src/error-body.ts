import {
  BusClosed,
  BusDeadline,
  BusError,
  BusNoResponders,
  BusOutcomeUnknown,
  BusOverflow,
  BusPayloadTooLarge,
  BusUnavailable,
  FrameError,
  type OverflowGate,
  OVERFLOW_GATES,
  RemoteError,
  type RemoteErrorBody,
} from './errors.ts';
import { type Frame, FRAME_LIMITS, frame, KIND } from './wire/frame.ts';
import { decodePayload, encodePayload, type Payload } from './wire/payload.ts';

/** An ERR frame's content: `bus` is set when the receiving bus refused before any handler ran. */
interface WireError extends RemoteErrorBody {
  readonly bus?: OverflowGate | 'refused' | undefined;
}

const NEUTRAL: WireError = Object.freeze({ code: 'internal', message: 'the handler failed', retryable: false });
/** An error is read by people and counters: what is longer belongs into a reply. */
const ERROR_BYTES = FRAME_LIMITS.frameBytes / 16;

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const millis = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;

/** Whether an error is part of the services' contract, and crosses as it is. */
export function isDomainError(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const { code, retryable } = error as Record<string, unknown>;
  return typeof code === 'string' && typeof retryable === 'boolean';
}

/** What of a handler's error the caller may see: all of a domain error, nothing of any other. */
function bodyOf(error: unknown): WireError {
  if (typeof error !== 'object' || error === null) return NEUTRAL;
  const { code, message, retryable, retryAfterMs, reason, details, rpc } = error as Record<string, unknown>;
  if (typeof code !== 'string' || typeof retryable !== 'boolean') return NEUTRAL;
  return {
    code,
    message: text(message) ?? code,
    retryable,
    retryAfterMs: millis(retryAfterMs),
    reason: text(reason),
    details,
    rpc,
  };
}

/** An error as a body. One that cannot be written, or is too long, keeps its code and loses its details. */
function encodeError(body: WireError): Payload {
  try {
    const payload = encodePayload(body);
    if (payload.body.length <= ERROR_BYTES) return payload;
  } catch {
    // Falls through to the short form, which always encodes.
  }
  const { code, message, retryable } = body;
  return encodePayload({ code, message: message.slice(0, 1_024), retryable });
}

/** The ERR frame for what a handler threw. */
export const handlerError = (call: number, error: unknown): Frame =>
  frame(KIND.ERR, { call, ...encodeError(bodyOf(error)) });

/** The ERR frame for a refusal of the bus itself: the caller gets the same class of error. */
export function busRefusal(call: number, error: BusError): Frame {
  const bus = error instanceof BusOverflow ? error.gate : 'refused';
  return frame(KIND.ERR, { call, ...encodeError({ ...bodyOf(error), bus }) });
}

/** The error an ERR frame stands for. */
export function errorOf(err: Frame): Error {
  const body = decodePayload(err.codec, err.body);
  if (typeof body !== 'object' || body === null || body instanceof FrameError) return new RemoteError(NEUTRAL);
  const { bus } = body as Record<string, unknown>;
  const wire = bodyOf(body);
  if (bus === undefined) return new RemoteError(wire);
  const gate = OVERFLOW_GATES.find((each) => each === bus);
  if (gate !== undefined) return new BusOverflow(gate, wire.retryAfterMs, wire.message);
  const { message, retryAfterMs } = wire;
  switch (wire.code) {
    case 'no_responders':
      return new BusNoResponders(message, { retryAfterMs });
    case 'deadline':
      return new BusDeadline(message, { retryAfterMs });
    case 'too_large':
      return new BusPayloadTooLarge(message);
    case 'outcome_unknown':
      return new BusOutcomeUnknown(message, { retryAfterMs });
    case 'unavailable':
      return new BusUnavailable(message, { retryAfterMs });
    default:
      return new RemoteError(wire);
  }
}

/** What a stopped stream tells nobody: its peer asked for it, or is gone. */
export const endedByPeer = (error: unknown): boolean =>
  error instanceof BusError && (error.code === 'canceled' || error instanceof BusClosed);
