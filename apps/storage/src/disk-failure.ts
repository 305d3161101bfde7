import { ServiceError } from '@macronode/contracts';
import { StoreBusy, StoreFull } from '@macronode/store';

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
const SICK = new Set(['EIO', 'EROFS', 'ENXIO', 'ENODEV', 'ESTALE']);

const errnoOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

/** True when the medium itself failed: what was written since its last sync is not to be trusted. */
export const isMediumFailure = (error: unknown): boolean => SICK.has(errnoOf(error));

/** An error of the file system or the row store, as the caller gets it. */
export function storageFailure(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  if (error instanceof StoreFull || FULL.has(errnoOf(error))) {
    return new ServiceError('no_space', undefined, { cause: error });
  }
  if (error instanceof StoreBusy) {
    return new ServiceError('busy', undefined, { cause: error, reason: 'store', retryAfterMs: error.retryAfterMs });
  }
  return new ServiceError('unavailable', 'The disk of this node failed.', { cause: error, retryAfterMs: 5_000 });
}
