import type { ReadinessRegistry } from '@macronode/service';
import type { OnModuleInit } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import type { Compression } from './compression.ts';
import { settleUnreadBody } from './unread-body.ts';

/** What the gateway asks of the HTTP server itself, below the routes. */
export class HttpEdge implements OnModuleInit {
  readonly #host: HttpAdapterHost;
  readonly #readiness: ReadinessRegistry;
  readonly #compression: Compression | undefined;

  constructor(host: HttpAdapterHost, readiness: ReadinessRegistry, compression: Compression | undefined) {
    this.#host = host;
    this.#readiness = readiness;
    this.#compression = compression;
  }

  onModuleInit(): void {
    const http = this.#host.httpAdapter.getInstance<FastifyInstance>();
    const { server } = http;
    // Without a listener Node answers 100 before any route has judged the header.
    server.on('checkContinue', (request, response) => server.emit('request', request, response));
    http.addHook('onSend', async (request, reply, payload) => {
      if (settleUnreadBody(request.raw, reply.raw) === 'close') reply.header('connection', 'close');
      return this.#compression === undefined ? payload : this.#compression.encode(request, reply, payload);
    });
    this.#readiness.check('listener_bound', () => server.listening, { gates: 'ready', holdMs: 0 });
  }
}
