/** Work under way, awaited in the order it was begun: the failure that is told is the first there is. */
export class OrderedWindow {
  readonly #width: number;
  readonly #pending: Promise<unknown>[] = [];

  constructor(width: number) {
    this.#width = width;
  }

  /** Takes work; resolves when there is room for more. */
  async add(work: Promise<unknown>): Promise<void> {
    // A failure is told when its turn comes; until then it must not count as one nobody looks at.
    work.catch(() => undefined);
    this.#pending.push(work);
    if (this.#pending.length > this.#width) await this.#pending.shift();
  }

  async settled(): Promise<void> {
    for (const work of this.#pending.splice(0)) await work;
  }
}
