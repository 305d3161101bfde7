import type { ServerResponse } from 'node:http';
import type { Occupancy } from '@macronode/metrics';
import type { GatewayMetrics } from '../metrics.ts';

/** Answers that are held back for a while, at most `bound` at once. */
export class Tarpit {
  readonly #bound: number;
  readonly #metrics: GatewayMetrics;
  #held = 0;

  constructor(bound: number, metrics: GatewayMetrics) {
    this.#bound = bound;
    this.#metrics = metrics;
    metrics.tarpitHeld.collect(() => this.#held);
  }

  occupancy(): Occupancy {
    return { kind: 'semaphore', name: 'answers held back', held: this.#held, bound: this.#bound };
  }

  /** Calls `release` after `ms`, or at once where the bound is reached. Told whether the client was still there for it. */
  hold(response: ServerResponse, ms: number, release: (waited: boolean) => void): void {
    if (this.#held >= this.#bound) {
      this.#metrics.tarpitOverflow.inc();
      release(false);
      return;
    }
    this.#held += 1;
    const end = (waited: boolean): void => {
      clearTimeout(timer);
      response.off('close', gone);
      this.#held -= 1;
      release(waited);
    };
    const gone = (): void => end(false);
    const timer = setTimeout(() => end(true), ms);
    response.once('close', gone);
  }
}
