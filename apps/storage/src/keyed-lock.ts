import { Holders, type Occupancy } from '@macronode/metrics';

/** One at a time per key, in the order of the calls. Holds nothing for keys that nobody waits for. */
export class KeyedLock {
  readonly #tails = new Map<string, Promise<unknown>>();
  readonly #running = new Holders();
  readonly #waiting = new Holders();

  async run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    const waiter = this.#waiting.enter();
    const turn = async (): Promise<T> => {
      this.#waiting.leave(waiter);
      const holder = this.#running.enter();
      try {
        return await task();
      } finally {
        this.#running.leave(holder);
      }
    };
    const mine = before.then(turn, turn);
    this.#tails.set(key, mine);
    try {
      return await mine;
    } finally {
      if (this.#tails.get(key) === mine) this.#tails.delete(key);
    }
  }

  /** Keys that are locked, and who waits for one of them. */
  occupancy(name: string): Occupancy {
    return {
      kind: 'semaphore',
      name,
      held: this.#running.size,
      oldestMs: this.#running.oldestMs(),
      waiting: this.#waiting.size,
      oldestWaitingMs: this.#waiting.oldestMs(),
    };
  }
}
