/** What clients did and saw, counted as they did it: what the panels have to agree with. */
export class Ledger {
  readonly #counts = new Map<string, number>();

  add(what: string, count = 1): void {
    this.#counts.set(what, this.of(what) + count);
  }

  of(what: string): number {
    return this.#counts.get(what) ?? 0;
  }

  /** The sum of everything whose name is like this. */
  matching(name: RegExp): number {
    return [...this.#counts].filter(([what]) => name.test(what)).reduce((sum, [, count]) => sum + count, 0);
  }

  /** The sum of everything whose name begins so. */
  sum(prefix: string): number {
    return [...this.#counts].filter(([what]) => what.startsWith(prefix)).reduce((sum, [, count]) => sum + count, 0);
  }
}
