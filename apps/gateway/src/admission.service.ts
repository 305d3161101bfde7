import type { ServerResponse } from 'node:http';
import { ServiceError } from '@macronode/contracts';
import { Holders, type Occupancy } from '@macronode/metrics';
import type { RequestContext } from '@macronode/service';
import type { GatewayMetrics } from './metrics.ts';

/** Writes stop at this share of the bound, so that reads go on when the house is nearly full. */
const WRITE_SHARE = 7 / 8;
const RETRY_AFTER_MS = 1_000;

/** The in-flight gate: over the bound a request is refused at once, never queued. */
export class AdmissionService {
  readonly #inflight = new Holders();
  readonly #bound: number;
  readonly #writeBound: number;

  constructor(bound: number, metrics: GatewayMetrics) {
    this.#bound = bound;
    this.#writeBound = Math.max(1, Math.floor(bound * WRITE_SHARE));
    metrics.inflight.collect(() => this.#inflight.size);
  }

  occupancy(): Occupancy {
    const [held, bound] = [this.#inflight.size, this.#bound];
    return { kind: 'semaphore', name: 'in-flight requests', held, bound, oldestMs: this.#inflight.oldestMs() };
  }

  /** Takes a place until `response` is closed or turns out to have no end of its own; or throws `busy`. */
  admit(method: string, response: ServerResponse, ctx: RequestContext): void {
    const write = method !== 'GET' && method !== 'HEAD';
    if (this.#inflight.size >= (write ? this.#writeBound : this.#bound)) {
      throw new ServiceError('busy', 'too many requests are in flight', {
        reason: write ? 'inflight_writes' : 'inflight',
        retryAfterMs: RETRY_AFTER_MS,
      });
    }
    if (response.closed) return;
    const holder = this.#inflight.enter();
    const leave = (): void => this.#inflight.leave(holder);
    response.once('close', leave);
    ctx.onEndless(leave);
  }
}
