import { LIMITS } from '@macronode/contracts';
import { decodeJson, refuseEncoding, RequestBody, requireJsonType } from '@macronode/service';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';

/** Reads and decodes the JSON body of a request: type, encoding and length are judged before a byte is read. */
async function readJson<T>(request: FastifyRequest, reply: FastifyReply, schema: z.ZodType<T>): Promise<T> {
  requireJsonType(request.raw.headers['content-type']);
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
