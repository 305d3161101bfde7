import type { BusContext } from '@macronode/bus';
import { ServiceError, SUBJECTS } from '@macronode/contracts';
import type { HopClock } from './hop-clock.ts';

const { index, storage, mailbox } = SUBJECTS;

/** Sends bytes to every service behind and back: three calls at once, answered when the last one is. */
export class Echoer {
  readonly #clock: HopClock;

  constructor(clock: HopClock) {
    this.#clock = clock;
  }

  /** Throws `integrity` when a service answers other bytes, and what the first call that fails throws. */
  async echo(bytes: Uint8Array, context: BusContext): Promise<Uint8Array> {
    const echoes = await Promise.all([
      this.#clock.time('index', context.call(index.echo, bytes)),
      this.#clock.time('storage', context.call(storage.echo, bytes)),
      this.#clock.time('mailbox', context.call(mailbox.echo, bytes)),
    ]);
    for (const echo of echoes) {
      if (Buffer.compare(echo, bytes) !== 0) {
        throw new ServiceError('integrity', 'an echo came back with other bytes than were sent');
      }
    }
    return bytes;
  }
}
