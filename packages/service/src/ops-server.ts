import { ERRORS, ServiceError, type Version } from '@macronode/contracts';
import { expositionFor, type MetricsRegistry } from '@macronode/metrics';
import { fastify, type FastifyInstance } from 'fastify';
import { errorAnswer } from './envelope.ts';
import { mapError } from './map-error.ts';
import type { NodeReadiness } from './readiness.ts';
import { acceptCorrId } from './trace-id.ts';

export interface OpsSources {
  readonly readiness: () => NodeReadiness;
  readonly version: Version;
  readonly metrics: MetricsRegistry;
}

/** Scrapes and probes come from few clients; a stuck one may not hold the port. */
const OPS_REQUEST_TIMEOUT_MS = 10_000;

/** The port of those who operate the node: /healthz, /readyz, /version, /metrics, /console, /debug/tasks. Never on the public port. */
export class OpsServer {
  readonly #http: FastifyInstance;
  #url = '';

  constructor(sources: OpsSources) {
    this.#http = fastify({ logger: false, requestTimeout: OPS_REQUEST_TIMEOUT_MS, forceCloseConnections: true });
    this.#http.get('/healthz', () => ({ status: 'ok' }));
    this.#http.get('/version', () => sources.version);
    this.#http.get('/readyz', (_request, reply) => {
      const state = sources.readiness();
      if (state.retry_after !== null && !state.ready) void reply.header('retry-after', String(state.retry_after));
      return reply.code(state.ready ? 200 : 503).send(state);
    });
    this.#http.get('/metrics', async (request, reply) => {
      const format = expositionFor(request.headers.accept);
      const text = await sources.metrics.render(format);
      return reply.header('content-type', sources.metrics.contentType(format)).send(text);
    });
    this.#http.addHook('onSend', (_request, reply, payload, done) => {
      void reply.header('cache-control', 'no-store');
      done(null, payload);
    });
    this.#http.setNotFoundHandler((request, reply) => {
      const answer = errorAnswer(
        new ServiceError('not_found', ERRORS.not_found.meaning),
        acceptCorrId(request.headers['x-corr-id']),
      );
      void reply.code(answer.status).headers(answer.headers).send(answer.body);
    });
    this.#http.setErrorHandler((error, request, reply) => {
      const answer = errorAnswer(mapError(error), acceptCorrId(request.headers['x-corr-id']));
      if (answer.status === 401) void reply.header('www-authenticate', 'Bearer');
      void reply.code(answer.status).headers(answer.headers).send(answer.body);
    });
  }

  /** Where it listens, as a URL. */
  get url(): string {
    return this.#url;
  }

  /** More routes for operators, added before `listen`. */
  get routes(): FastifyInstance {
    return this.#http;
  }

  async listen(host: string, port: number): Promise<void> {
    this.#url = await this.#http.listen({ host, port });
  }

  close(): Promise<void> {
    return this.#http.close();
  }
}
