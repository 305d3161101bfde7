import { Readable } from 'node:stream';
import { cutWhenStalled, mapError } from '@macronode/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { DeskAnswer } from './registry-desk.ts';

const NOT_MODIFIED = 304;

/** Sends an answer. Its body is read as fast as the client takes it, and let go of when the client leaves. */
export function sendRegistryAnswer(request: FastifyRequest, reply: FastifyReply, answer: DeskAnswer): void {
  const { status, headers, bytes, body } = answer;
  reply.code(status).headers(headers);
  if (status === NOT_MODIFIED) return void reply.send();
  if (bytes !== undefined || body === undefined) {
    const { buffer, byteOffset, byteLength } = bytes ?? new Uint8Array();
    return void reply.send(Buffer.from(buffer, byteOffset, byteLength));
  }
  cutWhenStalled(reply.raw);
  reply.send(Readable.from(tellingFailure(request, body)));
}

/** When the status is out already, only the broken connection can tell the client; the log and the count are told why. */
async function* tellingFailure(
  request: FastifyRequest,
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* body;
  } catch (error) {
    if (!request.ctx.signal.aborted) request.ctx.failure = mapError(error).code;
    throw error;
  }
}
