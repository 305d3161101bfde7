import type { CallContext } from '@macronode/bus';
import { type ErrorCode, LIMITS, ServiceError } from '@macronode/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from './logging.ts';
import type { HttpSpan } from './tracing/http-spans.ts';
import { acceptCorrId, childTraceparent, traceFields } from './trace-id.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Made by the first hook, before anything can be refused. */
    ctx: RequestContext;
  }
}

/** What travels with one HTTP request. */
export class RequestContext {
  readonly corrId: string;
  readonly traceparent: string;
  /** Monotonic, in ms. */
  readonly startedAt: number;
  /** Who asks, once a capability was verified. */
  principal: string | undefined;
  /** Travels in the frames of every call made for this request, and of what those call. Set by the edge only. */
  metadata: CallContext['metadata'];
  /** What went wrong after the header of the answer was sent: the status can no longer say it. */
  failure: ErrorCode | undefined;
  /** Its span, where tracing is on. */
  span: HttpSpan | undefined;
  #deadlineAt: number;
  #controller: AbortController | undefined;
  #gone = false;
  #endlessAt: number | undefined;
  #end: (() => void) | undefined;
  #onEndless: (() => void) | undefined;
  #draining = false;
  #log: Logger;
  #bound = false;

  constructor(corrId: string, traceparent: string, log: Logger, timeoutMs: number = LIMITS.request_timeout_ms.value) {
    this.corrId = corrId;
    this.traceparent = traceparent;
    this.startedAt = performance.now();
    this.#deadlineAt = this.startedAt + timeoutMs;
    this.#log = log;
  }

  /** Milliseconds left until the deadline, 0 when it has passed. */
  remainingMs(): number {
    return Math.max(0, this.#deadlineAt - performance.now());
  }

  /** Moves the deadline to `ms` from now: for streams and long polls, whose bound is their own. */
  setDeadline(ms: number): void {
    this.#deadlineAt = performance.now() + ms;
  }

  /** When the answer turned out to have no end of its own, monotonic, in ms. */
  get endlessAt(): number | undefined {
    return this.#endlessAt;
  }

  /**
   * The answer has no end of its own: a stream of events. It is counted as answered now, holds no place among the requests
   * in flight any more (it has a bound of its own), and a client that leaves it has had what it wanted. `end` is called
   * when the server stops, so that the stream does not keep it.
   */
  endless(end: () => void): void {
    this.#endlessAt = performance.now();
    this.#end = end;
    // A span of hours would be held back, and its trace with it, until the stream ends.
    this.span?.end(200);
    this.span = undefined;
    this.#onEndless?.();
    if (this.#draining) end();
  }

  /** Calls the one `listener` when the answer turns out to be endless. */
  onEndless(listener: () => void): void {
    this.#onEndless = listener;
  }

  /** The server stops: an answer without an end of its own ends. */
  drain(): void {
    this.#draining = true;
    this.#end?.();
  }

  /** Aborts when the client goes away before the answer is complete. Made on first use. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#gone) this.#controller.abort(new ClientGone());
    return this.#controller.signal;
  }

  /** The log with this request's ids on every line. */
  get log(): Logger {
    if (!this.#bound) {
      this.#bound = true;
      this.#log = this.#log.child({
        corr_id: this.corrId,
        ...traceFields(this.traceparent),
      });
    }
    return this.#log;
  }

  /** The client closed the connection before the answer was complete. */
  clientGone(): void {
    this.#gone = true;
    this.#controller?.abort(new ClientGone());
  }
}

/** Why a request's signal aborts. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
  constructor() {
    super('the client closed the connection');
  }
}

/** What a bus call made for this request carries. Throws `deadline` when no time is left. */
export function toCallContext(ctx: RequestContext): CallContext {
  const ttlMs = Math.floor(ctx.remainingMs());
  if (ttlMs < 1) throw new ServiceError('deadline');
  const { corrId, traceparent, signal, principal, metadata } = ctx;
  return { corrId, ttlMs, traceparent, signal, principal, metadata };
}

/** Gives a request its context unless it has one. Requests the router refuses outright never meet a hook. */
export function ensureContext(
  request: FastifyRequest,
  reply: FastifyReply,
  log: Logger,
  startSpan?: (corrId: string, traceparent: string | undefined) => HttpSpan,
): RequestContext {
  // Decorated as null for the hook to fill; requests made by the router itself are not decorated at all.
  const existing = request.ctx as RequestContext | null | undefined;
  if (existing !== null && existing !== undefined) return existing;
  const { headers } = request.raw;
  const traceparent = headers['traceparent'];
  const received = typeof traceparent === 'string' ? traceparent : undefined;
  const corrId = acceptCorrId(headers['x-corr-id']);
  const span = startSpan?.(corrId, received);
  const ctx = new RequestContext(corrId, span?.traceparent ?? childTraceparent(received), log);
  ctx.span = span;
  request.ctx = ctx;
  void reply.header('x-corr-id', ctx.corrId);
  return ctx;
}
