import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { LIMITS, ServiceError } from '@macronode/contracts';
import { Holders, type MetricsScope, type Occupancy, UNMATCHED_ROUTE } from '@macronode/metrics';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AccessLog } from './access-log.ts';
import { errorAnswer } from './envelope.ts';
import { HttpDrain } from './http-drain.ts';
import { HttpErrors, type ErrorReporter } from './error-filter.ts';
import { countedStatus, type GoldenHandles, type RequestMeter, requestMeter } from './http-metrics.ts';
import type { Logger } from './logging.ts';
import { ensureContext, type RequestContext } from './request-context.ts';
import type { RouteTable } from './route-table.ts';
import { connectionMetrics } from './service-metrics.ts';
import type { HttpSpan, HttpSpans } from './tracing/http-spans.ts';
import { newUlid } from './trace-id.ts';

/** A connection without a request is closed after this. Longer than the 60 s load balancers keep theirs. */
const KEEP_ALIVE_MS = 65_000;
/** A header that trickles in for longer is an attack, or a link nobody can use. */
const HEADERS_TIMEOUT_MS = 10_000;
/** How often Node looks for connections over their time. */
const TIMEOUT_SWEEP_MS = 2_000;
/** Longest path parameter: a name of 253 characters, each percent-encoded. */
const MAX_PARAM_CHARS = 1_024;

export interface HttpServerOptions {
  readonly reporter: ErrorReporter;
  readonly routes: RouteTable;
  readonly golden: GoldenHandles;
  readonly metrics: MetricsScope;
  readonly maxConnections: number;
  /** Where tracing is on. */
  readonly spans: HttpSpans | undefined;
  /** Where the access log is on. */
  readonly accessLog: AccessLog | undefined;
}

/** Bytes of the body an answer was sent with; undefined when it broke off or never had a length. */
function sentBytes(method: string, reply: FastifyReply): number | undefined {
  if (!reply.raw.writableFinished) return undefined;
  const length = reply.getHeader('content-length');
  if (method === 'HEAD') return 0;
  return length === undefined ? (reply.statusCode === 304 ? 0 : undefined) : Number(length);
}

/** What the parser of Node refuses before there is a request: the same envelope, written to the bare socket. */
function refuseConnection(error: NodeJS.ErrnoException, socket: Socket, reporter: ErrorReporter): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const refusal =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? new ServiceError('header_too_large')
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? new ServiceError('bad_request', 'The request did not arrive in time.')
        : new ServiceError('bad_request', 'The bytes sent are not HTTP/1.1.');
  reporter.count(refusal);
  const corrId = newUlid();
  const { status, headers, body } = errorAnswer(refusal, corrId);
  const text = JSON.stringify(body);
  const lines = [
    `HTTP/1.1 ${status} ${status === 431 ? 'Request Header Fields Too Large' : 'Bad Request'}`,
    ...Object.entries({ ...headers, 'x-corr-id': corrId }).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${Buffer.byteLength(text)}`,
    'connection: close',
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${text}`);
}

/**
 * Fastify set up as an edge: bodies arrive as raw streams that the routes read themselves, headers are bounded in
 * bytes and time, no proxy is trusted, and whatever is refused below our routes carries the envelope too.
 */
export class HttpServer {
  readonly adapter: FastifyAdapter;
  readonly errors: HttpErrors;
  readonly #log: Logger;
  readonly #meter: RequestMeter;
  readonly #routes: RouteTable;
  readonly #spans: HttpSpans | undefined;
  readonly #accessLog: AccessLog | undefined;
  readonly #open = new Map<ServerResponse, RequestContext>();
  readonly #running = new Holders();
  readonly #drain: HttpDrain;
  #draining = false;
  #stopping = false;

  constructor(options: HttpServerOptions) {
    this.errors = new HttpErrors(options.reporter, options.routes);
    this.#log = options.reporter.log;
    this.#meter = requestMeter(options.golden, options.routes);
    this.#routes = options.routes;
    this.#spans = options.spans;
    this.#accessLog = options.accessLog;
    this.adapter = new FastifyAdapter({
      logger: false,
      trustProxy: false,
      return503OnClosing: false,
      forceCloseConnections: 'idle',
      bodyLimit: Number.MAX_SAFE_INTEGER,
      // HEAD is a route of its own where it is one.
      exposeHeadRoutes: false,
      keepAliveTimeout: KEEP_ALIVE_MS,
      requestTimeout: LIMITS.stream_timeout_ms.value,
      connectionTimeout: 0,
      routerOptions: { maxParamLength: MAX_PARAM_CHARS },
      // The router refuses malformed URLs before any hook has run.
      frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
        this.#begin(request, reply);
        this.errors.answer(error, request, reply);
      },
      clientErrorHandler: (error: NodeJS.ErrnoException, socket: Socket) => {
        refuseConnection(error, socket, options.reporter);
      },
      http: {
        maxHeaderSize: LIMITS.header_bytes.value,
        headersTimeout: HEADERS_TIMEOUT_MS,
        connectionsCheckingInterval: TIMEOUT_SWEEP_MS,
        requireHostHeader: false,
      },
    });
    const http = this.instance;
    this.#drain = new HttpDrain(http.server);
    http.removeAllContentTypeParsers();
    http.addContentTypeParser('*', (_request, payload, done) => {
      done(null, payload);
    });
    http.decorateRequest('ctx', null as unknown as RequestContext);
    http.addHook('onRequest', (request, reply, done) => {
      this.#begin(request, reply);
      // RFC 9112, 3.2. Node would refuse it itself, without an envelope, so it is told not to.
      if (request.raw.httpVersion === '1.1' && request.headers.host === undefined) {
        done(new ServiceError('bad_request', 'A Host header is needed.'));
      } else done();
    });
    this.#boundConnections(options);
  }

  get instance(): FastifyInstance {
    return this.adapter.getInstance();
  }

  /** Context, count and end of one request; one listener for all of it. */
  #begin(request: FastifyRequest, reply: FastifyReply): void {
    const spans = this.#spans;
    const startSpan = spans && this.#spanStarter(spans, request);
    const ctx = ensureContext(request, reply, this.#log, startSpan);
    const meter = this.#meter(request);
    const holder = this.#running.enter(meter.label);
    const { raw } = reply;
    if (this.#draining) raw.shouldKeepAlive = false;
    if (this.#stopping) ctx.drain();
    this.#open.set(raw, ctx);
    raw.once('close', () => {
      this.#open.delete(raw);
      this.#running.leave(holder);
      if (!raw.writableFinished) ctx.clientGone();
      const status = countedStatus(raw, ctx);
      const now = performance.now();
      meter.done(status, ((ctx.endlessAt ?? now) - ctx.startedAt) / 1_000, ctx.span?.sampledTrace);
      ctx.span?.end(status);
      this.#tell(request, reply, status, (now - ctx.startedAt) / 1_000);
    });
  }

  #tell({ method, routeOptions, ctx }: FastifyRequest, reply: FastifyReply, status: number, seconds: number): void {
    this.#accessLog?.finished({
      method,
      route: this.#routes.templateOf(routeOptions.url) ?? UNMATCHED_ROUTE,
      status,
      bytes: sentBytes(method, reply),
      seconds,
      corrId: ctx.corrId,
      trace: ctx.span?.sampledTrace,
    });
  }

  #spanStarter(spans: HttpSpans, { method, url, routeOptions }: FastifyRequest) {
    return (corrId: string, traceparent: string | undefined): HttpSpan => {
      const route = this.#routes.templateOf(routeOptions.url);
      return spans({ method, route, path: url.split('?', 1)[0] ?? '', corrId, traceparent });
    };
  }

  /** Requests that are being answered, by route. */
  #occupancies(): readonly Occupancy[] {
    const routes = [...this.#running.byLabel()];
    return routes.map(([name, { count, oldestMs }]) => ({ kind: 'handler', name, held: count, oldestMs }));
  }

  #boundConnections({ metrics, maxConnections }: HttpServerOptions): void {
    const m = metrics.bind(connectionMetrics);
    const { server } = this.instance;
    server.maxConnections = maxConnections;
    let open = 0;
    server.on('connection', (socket: Socket) => {
      open += 1;
      socket.once('close', () => (open -= 1));
    });
    server.on('drop', () => {
      m.dropped.inc();
    });
    m.connections.collect(() => open);
    metrics.occupied(() => [
      { kind: 'semaphore', name: 'http connections', held: open, bound: maxConnections },
      ...this.#occupancies(),
    ]);
  }

  /** From now on every answer asks its client to leave the connection. */
  setDraining(): void {
    this.#draining = true;
    for (const raw of this.#open.keys()) raw.shouldKeepAlive = false;
  }

  /**
   * Ends the answers that have no end of their own and stops accepting; resolves when the last request is answered, or
   * `false` when `timeoutMs` passed and the rest was cut.
   */
  async stop(timeoutMs: number): Promise<boolean> {
    const { server } = this.instance;
    this.#stopping = true;
    for (const ctx of this.#open.values()) ctx.drain();
    return server.listening ? this.#drain.close(timeoutMs) : true;
  }
}
