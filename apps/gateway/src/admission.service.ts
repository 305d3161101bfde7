import { ServiceError } from '@macronode/contracts';
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { GatewayMetrics } from './metrics.ts';

/** Writes stop at this share of the bound, so that reads go on when the house is nearly full. */
const WRITE_SHARE = 7 / 8;
const RETRY_AFTER_MS = 1_000;

/** The in-flight gate: over the bound a request is refused at once, never queued. */
@Injectable()
export class Admission implements CanActivate {
  #inflight = 0;
  readonly #bound: number;
  readonly #writeBound: number;

  constructor(bound: number, metrics: GatewayMetrics) {
    this.#bound = bound;
    this.#writeBound = Math.max(1, Math.floor(bound * WRITE_SHARE));
    metrics.inflight.collect(() => this.#inflight);
  }

  canActivate(context: ExecutionContext): boolean {
    const http = context.switchToHttp();
    const { method } = http.getRequest<FastifyRequest>();
    this.#enter(method !== 'GET' && method !== 'HEAD');
    const { raw } = http.getResponse<FastifyReply>();
    if (raw.closed) this.#inflight -= 1;
    else raw.once('close', () => (this.#inflight -= 1));
    return true;
  }

  #enter(write: boolean): void {
    if (this.#inflight >= (write ? this.#writeBound : this.#bound)) {
      throw new ServiceError('busy', 'too many requests are in flight', {
        reason: write ? 'inflight_writes' : 'inflight',
        retryAfterMs: RETRY_AFTER_MS,
      });
    }
    this.#inflight += 1;
  }
}
