import { type ErrorEnvelope, ERRORS, type ServiceError } from '@macronode/contracts';

/** What 429 and 503 ask for when the refusing bound does not say, in ms. */
const DEFAULT_RETRY_AFTER_MS = 1_000;

export interface ErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ErrorEnvelope;
}

/** The answer to a request that failed: the one envelope, on every surface. A pure function of the error. */
export function errorAnswer(error: ServiceError, corrId: string): ErrorAnswer {
  const { code, status, retryable } = error;
  const waits = status === 429 || status === 503;
  const wanted = error.retryAfterMs ?? (waits ? DEFAULT_RETRY_AFTER_MS : undefined);
  const retryAfterMs = retryable && wanted !== undefined ? Math.max(1, Math.ceil(wanted)) : undefined;
  // A defect tells the caller nothing but where to look.
  const told = code !== 'internal';
  const headers: Record<string, string> = {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
  };
  if (retryAfterMs !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfterMs / 1_000)));
  return {
    status,
    headers,
    body: {
      error: {
        code,
        message: told ? error.message : ERRORS.internal.meaning,
        retryable,
        corr_id: corrId,
        ...(told && error.reason !== undefined && { reason: error.reason }),
        ...(retryAfterMs !== undefined && { retry_after_ms: retryAfterMs }),
        ...(told && error.details !== undefined && { details: error.details }),
      },
    },
  };
}
