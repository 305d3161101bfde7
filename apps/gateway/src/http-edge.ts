import type { Server } from 'node:http';
import type { ServiceDeps } from '@macronode/service';
import type { OnModuleInit } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import type { GatewayConfig } from './config.ts';
import type { GatewayMetrics } from './metrics.ts';
import { settleUnreadBody } from './unread-body.ts';

/** What the gateway asks of the HTTP server itself, below the routes. */
export class HttpEdge implements OnModuleInit {
  readonly #host: HttpAdapterHost;
  readonly #deps: ServiceDeps<GatewayConfig>;
  readonly #metrics: GatewayMetrics;

  constructor(host: HttpAdapterHost, deps: ServiceDeps<GatewayConfig>, metrics: GatewayMetrics) {
    this.#host = host;
    this.#deps = deps;
    this.#metrics = metrics;
  }

  onModuleInit(): void {
    const http = this.#host.httpAdapter.getInstance<FastifyInstance>();
    this.#tuneServer(http.server);
    http.addHook('onSend', async (request, reply, payload) => {
      if (settleUnreadBody(request.raw, reply.raw) === 'close') reply.header('connection', 'close');
      return payload;
    });
    this.#deps.readiness.check('listener_bound', () => http.server.listening, { gates: 'ready', holdMs: 0 });
  }

  #tuneServer(server: Server): void {
    server.maxConnections = this.#deps.config.connections;
    // Without a listener Node answers 100 before any route has judged the header.
    server.on('checkContinue', (request, response) => server.emit('request', request, response));
    let open = 0;
    server.on('connection', (socket) => {
      open += 1;
      socket.once('close', () => (open -= 1));
    });
    this.#metrics.connections.collect(() => open);
  }
}
