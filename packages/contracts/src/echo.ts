import { z } from 'zod';
import { LIMITS } from './limits.ts';

/** What an echo carries there and back: bytes nobody looks into. */
export const EchoBytes: z.ZodType<Uint8Array> = z
  .instanceof(Uint8Array)
  .refine(({ length }) => length <= LIMITS.echo_bytes.value, `at most ${String(LIMITS.echo_bytes.value)} bytes`);
