import type { OnModuleInit } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ReadinessRegistry } from '../readiness.ts';
import { settleUnreadBody } from './unread-body.ts';

/** The payload to send instead of the one that is given, its headers set. */
export type AnswerCoding = (request: FastifyRequest, reply: FastifyReply, payload: unknown) => Promise<unknown>;

/** What a public surface asks of the HTTP server itself, below the routes. */
export class HttpEdge implements OnModuleInit {
  readonly #host: HttpAdapterHost;
  readonly #readiness: ReadinessRegistry;
  readonly #encode: AnswerCoding | undefined;

  /** Without `encode` answers are sent as they are. */
  constructor(host: HttpAdapterHost, readiness: ReadinessRegistry, encode?: AnswerCoding) {
    this.#host = host;
    this.#readiness = readiness;
    this.#encode = encode;
  }

  onModuleInit(): void {
    const http = this.#host.httpAdapter.getInstance<FastifyInstance>();
    const { server } = http;
    // Without a listener Node answers 100 before any route has judged the header.
    server.on('checkContinue', (request, response) => server.emit('request', request, response));
    http.addHook('onSend', async (request, reply, payload) => {
      if (settleUnreadBody(request.raw, reply.raw) === 'close') reply.header('connection', 'close');
      return this.#encode === undefined ? payload : this.#encode(request, reply, payload);
    });
    this.#readiness.check('listener_bound', () => server.listening, { gates: 'ready', holdMs: 0 });
  }
}
