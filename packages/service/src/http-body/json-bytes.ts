import { parseStrictJson, StrictJsonError } from '@macronode/content';
import { LIMITS, ServiceError } from '@macronode/contracts';
import type { z } from 'zod';
import { parseAs } from '../bus-payload.ts';

const JSON_TYPE = /^application\/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;

/** Refuses a Content-Type other than JSON in UTF-8 with `unsupported_media_type`; none is another one. */
export function requireJsonType(contentType: string | undefined): void {
  if (contentType !== undefined && JSON_TYPE.test(contentType.trim())) return;
  throw new ServiceError('unsupported_media_type', 'the body must be application/json in UTF-8', {
    reason: 'content_type',
  });
}

function parse(bytes: Uint8Array): unknown {
  try {
    return parseStrictJson(bytes, { maxDepth: LIMITS.json_depth.value });
  } catch (cause) {
    if (!(cause instanceof StrictJsonError)) throw cause;
    throw new ServiceError('schema', `the body is refused: ${cause.message}`, { reason: cause.reason, cause });
  }
}

/** Turns bytes into what `schema` describes, or refuses with the first issues and their paths. */
export const decodeJson = <T>(bytes: Uint8Array, schema: z.ZodType<T>): T => parseAs(schema, parse(bytes));
