import type { OmnigateMetrics } from './metrics.ts';

/** A service that omnigate itself waits for. */
export type Hop = 'index' | 'storage' | 'mailbox';

/** Times the calls this service waits for, whatever comes of them. */
export class HopClock {
  readonly #metrics: OmnigateMetrics;

  constructor(metrics: OmnigateMetrics) {
    this.#metrics = metrics;
  }

  async time<T>(hop: Hop, call: Promise<T>): Promise<T> {
    const started = performance.now();
    try {
      return await call;
    } finally {
      this.#metrics.upstreamLatency.observe((performance.now() - started) / 1_000, { hop });
    }
  }
}
