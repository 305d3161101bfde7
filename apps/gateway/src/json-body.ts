import { parseStrictJson, StrictJsonError } from '@macronode/content';
import { LIMITS, ServiceError } from '@macronode/contracts';
import { parseAs } from '@macronode/service';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { refuseEncoding, RequestBody } from './request-body.ts';

const JSON_TYPE = /^application\/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;

function refuseOtherTypes(contentType: string | undefined): void {
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

/** Reads and decodes the JSON body of a request: type, encoding and length are judged before a byte is read. */
async function readJson<T>(request: FastifyRequest, reply: FastifyReply, schema: z.ZodType<T>): Promise<T> {
  refuseOtherTypes(request.raw.headers['content-type']);
  refuseEncoding(request.raw);
  const body = new RequestBody(request.raw, reply.raw, LIMITS.json_body_bytes.value);
  return decodeJson(await body.whole(LIMITS.request_timeout_ms.value), schema);
}

const JsonBodyParam = createParamDecorator(
  ({ shape }: { readonly shape: z.ZodType }, context: ExecutionContext): Promise<unknown> => {
    const http = context.switchToHttp();
    return readJson(http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>(), shape);
  },
);

/** The JSON body of the request as `schema` describes it. */
export const JsonBody = (schema: z.ZodType): ParameterDecorator =>
  // Wrapped: a schema has a `transform` method, which Nest would take for a pipe, and `schema` is an option of its own.
  JsonBodyParam({ shape: schema });
