import { Readable } from 'node:stream';
import type { ByteStream } from '@macronode/bus';
import { ServiceError, type ObjectReadReply } from '@macronode/contracts';
import { cutWhenStalled, mapError } from '@macronode/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { GatewayMetrics } from './metrics.ts';

const WRONG_LENGTH = 'storage sent another number of bytes than it promised';
const EMPTY = Buffer.alloc(0);

interface ObjectAnswer {
  readonly method: 'GET' | 'HEAD';
  /** Reached through a name: cached briefly, and told which object it is. */
  readonly named: boolean;
  readonly head: ObjectReadReply;
  readonly body: ByteStream;
}

/** The header of an object by id, or by the name it was reached through. */
function objectHeaders(head: ObjectReadReply, named: boolean): Record<string, string> {
  return {
    etag: `"${head.id}"`,
    'cache-control': named ? 'public, max-age=5' : 'public, max-age=31536000, immutable, no-transform',
    ...(named ? { 'content-location': `/o/${head.id}` } : {}),
  };
}

function bodyHeaders(head: ObjectReadReply): Record<string, string> {
  return {
    'accept-ranges': 'bytes',
    'content-type': 'application/octet-stream',
    'content-length': String(head.end - head.start),
    'content-disposition': 'attachment',
    'x-content-type-options': 'nosniff',
  };
}

/** Sends what storage answered. The stream is ended in every case: read to its end, or cancelled. */
export class ObjectReply {
  readonly #metrics: GatewayMetrics;

  constructor(metrics: GatewayMetrics) {
    this.#metrics = metrics;
  }

  async send(request: FastifyRequest, reply: FastifyReply, answer: ObjectAnswer): Promise<void> {
    const { method, named, head, body } = answer;
    const bodiless = method === 'HEAD' || (head.outcome !== 'full' && head.outcome !== 'partial');
    if (bodiless) body.cancel('no body is sent');
    this.#judge(reply, head);
    reply.headers(objectHeaders(head, named));
    if (head.outcome === 'not_modified') return void reply.code(304).send();
    reply.headers(bodyHeaders(head));
    if (head.outcome === 'partial') {
      reply
        .code(206)
        .header('content-range', `bytes ${String(head.start)}-${String(head.end - 1)}/${String(head.size)}`);
    }
    if (method === 'HEAD') return void reply.send();
    if (head.bytes !== undefined) return void reply.send(this.#whole(head, head.bytes));
    if (head.end === head.start) return void reply.send(EMPTY);
    cutWhenStalled(reply.raw);
    reply.send(Readable.from(this.#counted(request, head, body)));
  }

  /** A short body came with the answer: were it wrong, there would still be a status to say so. */
  #whole({ start, end }: ObjectReadReply, bytes: Uint8Array): Buffer {
    if (bytes.length !== end - start) throw new ServiceError('integrity', WRONG_LENGTH);
    this.#metrics.bodyBytes.inc({ direction: 'out' }, bytes.length);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Outcomes that are errors on the public surface. */
  #judge(reply: FastifyReply, head: ObjectReadReply): void {
    if (head.outcome === 'precondition_failed') throw new ServiceError('precondition_failed');
    if (head.outcome !== 'unsatisfiable') return;
    reply.header('content-range', `bytes */${String(head.size)}`);
    throw new ServiceError('range_not_satisfiable');
  }

  /**
   * The bytes promised, no more and no less; anything else is an error, which ends the connection. It is over with the
   * last of them: from then on the client takes the connection for free, and a storage that dies before it has said
   * that it is done must not cut the next request.
   */
  async *#counted(
    request: FastifyRequest,
    head: ObjectReadReply,
    body: ByteStream,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const out = this.#metrics.bodyBytes.cell({ direction: 'out' });
    const chunks = body[Symbol.asyncIterator]();
    let left = head.end - head.start;
    let ended: 'client' | 'upstream' | undefined = 'client';
    try {
      while (left > 0) {
        const step = await chunks.next();
        if (step.done === true) break;
        left -= step.value.length;
        if (left < 0) break;
        yield step.value;
        out.inc(step.value.length);
      }
      if (left !== 0) throw new ServiceError('integrity', WRONG_LENGTH);
      ended = undefined;
    } catch (error) {
      if (!request.ctx.signal.aborted) {
        ended = 'upstream';
        request.ctx.failure = mapError(error).code;
      }
      throw error;
    } finally {
      if (ended !== undefined) {
        this.#metrics.downloadsAborted.inc({ reason: ended });
        body.cancel('the download was aborted');
      } else void awaitEnd(chunks, body);
    }
  }
}

/** Whatever follows the last byte, its client has had the answer: an end that never comes is the bus's to give up on. */
async function awaitEnd(chunks: AsyncIterator<Uint8Array>, body: ByteStream): Promise<void> {
  const end = await chunks.next().catch(() => undefined);
  if (end?.done === false) body.cancel('more than was promised');
}
