import type { CounterCell } from '@macronode/metrics';
import type { OnModuleInit } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import type { ClientGate } from './clients/client-gate.ts';
import { countMalformed, guardClients } from './clients/client-guard.ts';
import type { Tarpit } from './clients/tarpit.ts';
import { type Scoring, scoreClients, stripScore } from './mesh/mesh-edge.ts';

/** The shares of addresses, where one is set. */
export interface Guarding {
  readonly gate: ClientGate;
  readonly tarpit: Tarpit;
  /** Whether malformed requests count. */
  readonly malformed: boolean;
}

interface EdgeOptions {
  readonly guarding: Guarding | undefined;
  readonly scoring: Scoring | undefined;
  /** Scores taken off requests. */
  readonly stripped: CounterCell;
}

/** What is judged of a client before its request is: its share, then what other gateways say of it. What is off has no hook. */
export class ClientEdge implements OnModuleInit {
  readonly #host: HttpAdapterHost;
  readonly #options: EdgeOptions;

  constructor(host: HttpAdapterHost, options: EdgeOptions) {
    this.#host = host;
    this.#options = options;
  }

  onModuleInit(): void {
    const http = this.#host.httpAdapter.getInstance<FastifyInstance>();
    const { guarding, scoring, stripped } = this.#options;
    stripScore(http, stripped);
    if (guarding !== undefined) {
      guardClients(http, guarding.gate, guarding.tarpit);
      if (guarding.malformed) countMalformed(http.server, guarding.gate);
    }
    if (scoring !== undefined) scoreClients(http, scoring);
  }
}
