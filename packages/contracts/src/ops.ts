import { z } from 'zod';

/** The body of `/readyz`: 200 when ready, else 503 with `Retry-After`. */
export const Readiness = z.object({
  service: z.string(),
  ready: z.boolean(),
  /** Writes are shed before reads. */
  write_ready: z.boolean(),
  /** Names of the checks that do not hold. */
  missing: z.array(z.string()),
  /** Seconds after which to ask again; null when ready. */
  retry_after: z.int().positive().nullable(),
});
export type Readiness = z.infer<typeof Readiness>;

export const Version = z.object({
  service: z.string(),
  version: z.string(),
  git_sha: z.string(),
  node: z.string(),
  profile: z.enum(['micronode', 'macronode']),
  /** True when nothing is kept on disk. */
  amnesia: z.boolean(),
});
export type Version = z.infer<typeof Version>;

/** The one error envelope, on every surface. */
export const ErrorEnvelope = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    retryable: z.boolean(),
    corr_id: z.string(),
    reason: z.string().optional(),
    retry_after_ms: z.int().positive().optional(),
    details: z.unknown().optional(),
  }),
});
export type ErrorEnvelope = z.infer<typeof ErrorEnvelope>;
