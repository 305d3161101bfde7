import type { BusContext, Forwarded } from '@macronode/bus';
import { type NameReadRequest, SUBJECTS } from '@macronode/contracts';
import type { OmnigateMetrics } from './metrics.ts';

/** Turns a read by name into a read by id: one call to the index, then the storage answers. */
export class NameReader {
  readonly #metrics: OmnigateMetrics;

  constructor(metrics: OmnigateMetrics) {
    this.#metrics = metrics;
  }

  async read({ name, conditions }: NameReadRequest, context: BusContext): Promise<Forwarded> {
    const started = performance.now();
    try {
      const { record } = await context.call(SUBJECTS.index.nameGet, { name });
      return context.forward(SUBJECTS.storage.objectRead, { id: record.record.target, conditions });
    } finally {
      this.#metrics.upstreamLatency.observe((performance.now() - started) / 1_000, { hop: 'index' });
    }
  }
}
