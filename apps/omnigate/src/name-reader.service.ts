import type { BusContext, Forwarded } from '@macronode/bus';
import { type NameReadRequest, SUBJECTS } from '@macronode/contracts';
import type { HopClock } from './hop-clock.ts';

/** Turns a read by name into a read by id: one call to the index, then the storage answers. */
export class NameReader {
  readonly #clock: HopClock;

  constructor(clock: HopClock) {
    this.#clock = clock;
  }

  async read({ name, conditions }: NameReadRequest, context: BusContext): Promise<Forwarded> {
    const { record } = await this.#clock.time('index', context.call(SUBJECTS.index.nameGet, { name }));
    return context.forward(SUBJECTS.storage.objectRead, { id: record.record.target, conditions });
  }
}
