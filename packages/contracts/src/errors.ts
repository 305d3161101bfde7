/** One row of the error table: what a code means to a caller. */
export interface ErrorRow {
  /** HTTP status on the public surface (RFC 9110, RFC 6585). */
  readonly status: number;
  /** Whether the same request may succeed later without being changed. */
  readonly retryable: boolean;
  readonly meaning: string;
}

const row = (status: number, retryable: boolean, meaning: string): ErrorRow =>
  Object.freeze({ status, retryable, meaning });

/**
 * Every error a caller can see. Codes are stable: they are the contract, messages are for people.
 * 429 = the caller is over its own share; 503 = the service is not able; both carry `Retry-After`.
 */
export const ERRORS = Object.freeze({
  bad_request: row(400, false, 'The request is not understood: a path, query or header is malformed.'),
  bad_id: row(400, false, 'A content id is not `b3:` followed by 64 lower-case hex digits.'),
  bad_name: row(400, false, 'A name breaks the naming rules.'),
  schema: row(
    400,
    false,
    'The body is not the JSON the route asks for: unknown field, wrong type, duplicate key, or not JSON at all.',
  ),
  unauthorized: row(401, false, 'A capability is needed and none, or an invalid one, was sent.'),
  forbidden: row(403, false, 'The capability or the policy does not allow this.'),
  not_owner: row(403, false, 'The name belongs to another key.'),
  unknown_signer: row(403, false, 'The signer is not in the set in force, or signs with another algorithm.'),
  not_found: row(404, false, 'There is nothing under this id, name, topic or route.'),
  method_not_allowed: row(405, false, 'The route exists, the method does not. `Allow` lists those that do.'),
  stale_seq: row(409, false, 'The record carries a sequence number that is not above the stored one.'),
  receipt_stale: row(
    409,
    false,
    'The receipt is not the current one: the lease ran out or the message was delivered again.',
  ),
  chain_mismatch: row(
    409,
    false,
    'The payload does not continue the log: version, previous hash or signer set are not those of its head.',
  ),
  quorum_failed: row(409, false, 'The proposal has fewer valid approvals than its quorum asks for.'),
  revoked_key: row(409, false, 'An approval was made with a key that is in force no more.'),
  signer_conflict: row(409, false, 'The signer has approved already, with another signature.'),
  replayed: row(409, false, 'The nonce of the request was used before. Sign the request again with another.'),
  not_in_checkpoint: row(409, true, 'The version is committed, and no published checkpoint covers it yet.'),
  sealed: row(409, false, 'The log has ended. Its last entry names its successor.'),
  expired: row(410, false, 'The proposal, or the signed request, has expired.'),
  precondition_failed: row(412, false, 'If-Match or If-None-Match does not hold.'),
  too_large: row(413, false, 'The body is over the limit of this route.'),
  unsupported_media_type: row(415, false, 'The Content-Type or Content-Encoding is not one the route accepts.'),
  range_not_satisfiable: row(416, false, 'No byte of the object lies in the range asked for.'),
  digest_mismatch: row(422, false, 'The bytes do not hash to the id in the path. Nothing was stored.'),
  hash_mismatch: row(422, false, 'The hash sent is not the hash of the canonical payload.'),
  bad_signature: row(422, false, 'A signature does not verify against the key it names.'),
  bad_key: row(422, false, 'A public key is refused: of small order, not canonical, or without proof of possession.'),
  idempotency_mismatch: row(422, false, 'The idempotency key was used before with another payload.'),
  quota: row(429, true, 'The caller is over its own share.'),
  saturated: row(
    429,
    true,
    'As much as may wait here does: messages of a topic, proposals, streams, requests of a route.',
  ),
  header_too_large: row(431, false, 'The request header is over the limit.'),
  internal: row(500, false, 'A defect. The corr_id finds it in the logs.'),
  integrity: row(502, true, 'Stored bytes no longer hash to their id. They are never served.'),
  no_responders: row(502, true, 'No instance of the service behind this route is running.'),
  busy: row(503, true, 'A bound is full: admission, queue, or in-flight requests.'),
  maintenance: row(503, true, 'The log takes no writes: it is frozen, or this is a replica. Reads go on.'),
  unavailable: row(503, true, 'A dependency is down, or the instance is starting or draining.'),
  outcome_unknown: row(
    503,
    true,
    'The request was sent and no answer came back. It may have taken effect: repeat it only if it is idempotent.',
  ),
  deadline: row(504, true, 'The deadline passed before an answer was there.'),
  no_space: row(507, true, 'The disk of this node is full.'),
} satisfies Record<string, ErrorRow>);

export type ErrorCode = keyof typeof ERRORS;

export const ERROR_CODES = Object.freeze(Object.keys(ERRORS)) as readonly ErrorCode[];

/** True when `code` is a row of the table. */
export const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(ERRORS, code);

export interface ServiceErrorOptions {
  /** Milliseconds after which a repeat makes sense. Only with retryable codes. */
  readonly retryAfterMs?: number;
  /** A finer, closed word for counters and callers: which bound, which check. */
  readonly reason?: string;
  readonly details?: unknown;
  readonly cause?: unknown;
}

/** The one domain error: thrown anywhere, mapped once at the edge. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly code: ErrorCode;
  readonly retryAfterMs: number | undefined;
  readonly reason: string | undefined;
  readonly details: unknown;

  constructor(code: ErrorCode, message: string = ERRORS[code].meaning, options: ServiceErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
    this.reason = options.reason;
    this.details = options.details;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }
}
