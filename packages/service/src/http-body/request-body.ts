import type { IncomingMessage, ServerResponse } from 'node:http';
import { LIMITS, ServiceError } from '@macronode/contracts';

const CHUNK_BYTES = LIMITS.chunk_bytes.value;

/** True when the client announced a body; it may still be empty when chunked. */
export const announcesBody = (request: IncomingMessage): boolean =>
  request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;

const expectsContinue = (request: IncomingMessage): boolean => request.headers.expect?.toLowerCase() === '100-continue';

/** Requests whose `100 Continue` was sent; until then the client may hold the body back for good. */
const continued = new WeakSet<IncomingMessage>();

/** True while the client waits for a word before it sends its body. */
export const awaitsContinue = (request: IncomingMessage): boolean =>
  expectsContinue(request) && !continued.has(request);

/** Refuses what would have to be decoded first: stored bytes are the bytes that were sent. */
export function refuseEncoding(request: IncomingMessage): void {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding.trim().toLowerCase() !== 'identity') {
    throw new ServiceError('unsupported_media_type', 'no Content-Encoding but identity is taken', {
      reason: 'content_encoding',
    });
  }
}

const aborted = (cause: unknown): ServiceError =>
  new ServiceError('bad_request', 'the body ended early', { reason: 'aborted', cause });

/** The body of one request, read once: as pieces, or whole under a limit. */
export class RequestBody {
  /** Bytes announced; undefined when chunked. */
  readonly declared: number | undefined;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #limit: number;

  /** Refuses an announced length above `limit` bytes before anything is read. */
  constructor(request: IncomingMessage, response: ServerResponse, limit: number) {
    this.#request = request;
    this.#response = response;
    this.#limit = limit;
    this.declared = announcesLength(request);
    if (this.declared !== undefined && this.declared > limit) throw this.#tooLarge();
  }

  #tooLarge(): ServiceError {
    return new ServiceError('too_large', `the body is over ${String(this.#limit)} bytes`, {
      details: { limit_bytes: this.#limit },
    });
  }

  /**
   * The pieces as the socket gives them, `100 Continue` sent first when asked for. Leaving the loop early leaves the
   * rest unread. Throws `too_large` past the limit, `deadline` when no byte comes for `idleMs`, `bad_request` when the
   * client goes away.
   */
  async *pieces(idleMs: number): AsyncGenerator<Buffer, void, undefined> {
    if (awaitsContinue(this.#request)) {
      continued.add(this.#request);
      this.#response.writeContinue();
    }
    // Ending the iteration must not destroy the request: that would take the socket, and with it the answer.
    const iterator = this.#request.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
    const idle = new IdleWatch(this.#request, idleMs);
    let received = 0;
    try {
      for (;;) {
        idle.arm();
        const step = await iterator.next().catch((cause: unknown) => {
          throw idle.fired ? idle.error() : aborted(cause);
        });
        idle.disarm();
        if (step.done === true) break;
        received += step.value.length;
        if (received > this.#limit) throw this.#tooLarge();
        yield step.value;
      }
      if (!this.#request.complete) throw aborted(undefined);
    } finally {
      idle.close();
      await iterator.return?.();
    }
  }

  /** The bytes cut into chunks of 64 KiB, the last one shorter; one chunk is held at a time. */
  async *chunks(idleMs: number): AsyncGenerator<Uint8Array, void, undefined> {
    let left = this.declared ?? Infinity;
    let chunk: Buffer | undefined;
    let filled = 0;
    for await (const piece of this.pieces(idleMs)) {
      for (let from = 0; from < piece.length;) {
        chunk ??= Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, left));
        const copied = piece.copy(chunk, filled, from);
        filled += copied;
        from += copied;
        if (filled < chunk.length) continue;
        yield chunk;
        left -= chunk.length;
        chunk = undefined;
        filled = 0;
      }
    }
    if (chunk !== undefined && filled > 0) yield chunk.subarray(0, filled);
  }

  /** The whole body. `timeoutMs` bounds each wait and the whole. */
  async whole(timeoutMs: number): Promise<Buffer> {
    const deadline = performance.now() + timeoutMs;
    const pieces: Buffer[] = [];
    for await (const piece of this.pieces(timeoutMs)) {
      if (performance.now() > deadline) throw new ServiceError('deadline', 'the body came too slowly');
      pieces.push(piece);
    }
    return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces);
  }
}

function announcesLength(request: IncomingMessage): number | undefined {
  if (request.headers['transfer-encoding'] !== undefined) return undefined;
  return Number(request.headers['content-length'] ?? 0);
}

/** Ends a request whose client sends nothing. Only waiting counts: a slow reader of ours is not the client's fault. */
class IdleWatch {
  fired = false;
  readonly #request: IncomingMessage;
  readonly #ms: number;
  #waiting = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(request: IncomingMessage, ms: number) {
    this.#request = request;
    this.#ms = ms;
  }

  error(): ServiceError {
    return new ServiceError('deadline', `no byte of the body came for ${String(this.#ms)} ms`, { reason: 'idle' });
  }

  arm(): void {
    this.#waiting = true;
    if (this.#timer === undefined) this.#timer = setTimeout(() => this.#expire(), this.#ms);
    else this.#timer.refresh();
  }

  disarm(): void {
    this.#waiting = false;
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #expire(): void {
    if (!this.#waiting) return;
    this.fired = true;
    this.#request.destroy(this.error());
  }
}
