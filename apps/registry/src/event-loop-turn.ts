import { setImmediate } from 'node:timers/promises';

/** Long enough that giving way costs nothing, short enough that no request notices. */
const TURN_MS = 5;

/** Long work in between the requests: it gives way whenever it has had the event loop for a while, however long a step took. */
export class EventLoopTurn {
  #since = performance.now();

  /** Called between two steps. */
  async giveWay(): Promise<void> {
    if (performance.now() - this.#since < TURN_MS) return;
    await setImmediate();
    this.#since = performance.now();
  }
}
