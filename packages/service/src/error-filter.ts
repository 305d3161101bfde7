import { BusContext } from '@macronode/bus';
import { ServiceError } from '@macronode/contracts';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Observable, throwError } from 'rxjs';
import { errorAnswer } from './envelope.ts';
import type { Logger } from './logging.ts';
import { mapError } from './map-error.ts';
import { ensureContext } from './request-context.ts';
import type { RouteTable } from './route-table.ts';
import { traceFields } from './trace-id.ts';

/** Where the refusals of one service are counted and its defects logged. */
export interface ErrorReporter {
  readonly log: Logger;
  count(error: ServiceError): void;
}

/** Logs what a caller is not told. Only defects and damage are errors; the rest is the caller's business. */
function report(reporter: ErrorReporter, error: ServiceError, ids: Readonly<Record<string, unknown>>): void {
  reporter.count(error);
  const { code, status } = error;
  if (code === 'internal' || code === 'integrity')
    reporter.log.error({ ...ids, code, err: error.cause ?? error }, 'request failed');
  else if (status >= 500) reporter.log.debug({ ...ids, code, err: error.cause ?? error }, 'request refused');
}

/** Answers every error of an HTTP surface with the one envelope. */
export class HttpErrors {
  readonly #reporter: ErrorReporter;
  readonly #routes: RouteTable;

  constructor(reporter: ErrorReporter, routes: RouteTable) {
    this.#reporter = reporter;
    this.#routes = routes;
  }

  /** Sends the envelope, or cuts the connection when the header of another answer is on its way already. */
  answer(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const ctx = ensureContext(request, reply, this.#reporter.log);
    const { error, allow } = this.#refine(thrown, request);
    report(this.#reporter, error, {
      corr_id: ctx.corrId,
      ...traceFields(ctx.traceparent),
      method: request.method,
      route: request.routeOptions.url,
    });
    if (reply.sent || reply.raw.headersSent) {
      ctx.failure = error.code;
      reply.raw.destroy();
      return;
    }
    const { status, headers, body } = errorAnswer(error, ctx.corrId);
    // Headers of the answer that was meant (length, ETag, ranges) are not true of this one.
    for (const name of ['content-length', 'content-encoding', 'etag', 'accept-ranges']) reply.removeHeader(name);
    // With 416 it tells the size of the object (RFC 9110, 15.5.17).
    if (status !== 416) reply.removeHeader('content-range');
    if (allow !== undefined) void reply.header('allow', allow);
    // Serialized here: a body that was meant to be something else leaves its serializer behind.
    void reply.code(status).headers(headers).send(JSON.stringify(body));
  }

  /** A path that exists under other methods is 405, not 404. */
  #refine(thrown: unknown, request: FastifyRequest): { error: ServiceError; allow?: string } {
    const error = mapError(thrown);
    if (error.code !== 'not_found' || !(thrown instanceof HttpException)) return { error };
    const methods = this.#routes.methodsOf(request.url.split('?', 1)[0] ?? '');
    if (methods.length === 0) return { error: new ServiceError('not_found', 'There is no such route.') };
    return { error: new ServiceError('method_not_allowed'), allow: methods.join(', ') };
  }
}

/**
 * The exception filter of a node: HTTP errors become envelopes; errors of message handlers cross the bus
 * as rows of the error table, so that the caller's side reads the same code.
 */
@Catch()
export class HttpErrorFilter implements ExceptionFilter {
  readonly #http: HttpErrors | undefined;
  readonly #reporters: ReadonlyMap<string, ErrorReporter>;

  constructor(http: HttpErrors | undefined, reporters: ReadonlyMap<string, ErrorReporter>) {
    this.#http = http;
    this.#reporters = reporters;
  }

  catch(thrown: unknown, host: ArgumentsHost): Observable<never> | undefined {
    if (host.getType() === 'rpc') return this.#rpc(thrown, host.switchToRpc().getContext<unknown>());
    const context = host.switchToHttp();
    this.#http?.answer(thrown, context.getRequest<FastifyRequest>(), context.getResponse<FastifyReply>());
    return undefined;
  }

  #rpc(thrown: unknown, context: unknown): Observable<never> {
    if (thrown instanceof RpcException) return throwError(() => thrown);
    const error = mapError(thrown);
    if (context instanceof BusContext) {
      const reporter = this.#reporters.get(context.subject.slice(0, context.subject.indexOf('.')));
      const { corrId, subject, traceparent } = context;
      if (reporter !== undefined) report(reporter, error, { corr_id: corrId, subject, ...traceFields(traceparent) });
    }
    return throwError(() => error);
  }
}
