import { BusError, type BusErrorCode, BusOverflow, OVERFLOW_GATES, RemoteError } from '@macronode/bus';
import { ERROR_CODES, type ErrorCode, ERRORS, isErrorCode, ServiceError } from '@macronode/contracts';
import { HttpException } from '@nestjs/common';
import { ClientGone } from './request-context.ts';

/** What every error of the bus is to a caller of ours. */
const BUS_CODES: Readonly<Record<BusErrorCode, ErrorCode>> = Object.freeze({
  busy: 'busy',
  deadline: 'deadline',
  unavailable: 'unavailable',
  no_responders: 'no_responders',
  too_large: 'too_large',
  outcome_unknown: 'outcome_unknown',
  canceled: 'unavailable',
});

/** Statuses the HTTP framework refuses with, before or beside our own routes. */
const STATUS_CODES: Readonly<Record<number, ErrorCode>> = Object.freeze({
  400: 'bad_request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  413: 'too_large',
  415: 'unsupported_media_type',
  429: 'quota',
  431: 'header_too_large',
  503: 'unavailable',
  504: 'deadline',
});

/** The reasons `rejected_total` knows in every service: each code, and each bound of the bus. */
export const REJECT_REASONS: readonly string[] = Object.freeze([
  ...ERROR_CODES,
  ...OVERFLOW_GATES.map((gate) => `bus_${gate}`),
]);

function ofStatus(status: number, cause: unknown): ServiceError {
  const code = STATUS_CODES[status] ?? (status >= 400 && status < 500 ? 'bad_request' : 'internal');
  return new ServiceError(code, ERRORS[code].meaning, { cause });
}

/** The fields a typed error of a lower package carries: its `code` is a row of the table. */
interface Coded {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  readonly retryAfterMs?: unknown;
  readonly reason?: unknown;
  readonly details?: unknown;
}

function isCoded(error: unknown): error is Coded {
  if (!(error instanceof Error) || !('code' in error) || !('retryable' in error)) return false;
  return typeof error.code === 'string' && isErrorCode(error.code) && typeof error.retryable === 'boolean';
}

function ofCoded(error: Coded): ServiceError {
  return new ServiceError(error.code, error.message, {
    ...(typeof error.retryAfterMs === 'number' && { retryAfterMs: error.retryAfterMs }),
    ...(typeof error.reason === 'string' && { reason: error.reason }),
    ...(error.details !== undefined && { details: error.details }),
    cause: error,
  });
}

/** The status a framework error asks for; undefined when it is not one. */
function frameworkStatus(error: unknown): number | undefined {
  if (error instanceof HttpException) return error.getStatus();
  const fastify = error instanceof Error && 'code' in error && String(error.code).startsWith('FST_');
  return fastify && 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : undefined;
}

/**
 * The one funnel: whatever was thrown becomes a row of the error table. What nobody foresaw is `internal`,
 * with its `cause` kept for the log and nothing of it told to the caller.
 */
export function mapError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  if (error instanceof BusError) {
    // The bus's own messages may name addresses: the table's meaning is what callers read.
    const code = BUS_CODES[error.code];
    const reason = error instanceof BusOverflow ? { reason: `bus_${error.gate}` } : {};
    const retryAfter = error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs };
    return new ServiceError(code, ERRORS[code].meaning, { ...reason, ...retryAfter, cause: error });
  }
  if (error instanceof RemoteError && !isErrorCode(error.code))
    return new ServiceError('internal', undefined, { cause: error });
  if (error instanceof ClientGone) return new ServiceError('unavailable', undefined, { cause: error });
  // How a signal tells that its time is over: the one of a handler, passed on by the calls it waited for.
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return new ServiceError('deadline', undefined, { cause: error });
  if (isCoded(error)) return ofCoded(error);
  const status = frameworkStatus(error);
  return status === undefined ? new ServiceError('internal', undefined, { cause: error }) : ofStatus(status, error);
}
