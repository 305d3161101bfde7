import { ServiceError } from '@macronode/contracts';

/** When to come again after something people have to mend, a freeze or a disk: sooner would find it as it was. */
export const MENDED_RETRY_MS = 30_000;

/** Nothing is taken until a signer thaws the log. */
export const frozen = (): ServiceError =>
  new ServiceError('maintenance', 'the log is frozen', { reason: 'frozen', retryAfterMs: MENDED_RETRY_MS });
