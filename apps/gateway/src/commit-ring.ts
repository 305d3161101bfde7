import type { RegistryCommitted } from '@macronode/contracts';

/** The newest commits of a log that are known here, without a hole between them. */
export class CommitRing {
  readonly #max: number;
  #commits: RegistryCommitted[] = [];
  #position: number;

  /** A ring of at most `max` commits, all of them after `position`. */
  constructor(max: number, position: number) {
    this.#max = max;
    this.#position = position;
  }

  /** The newest version. */
  get position(): number {
    return this.#position;
  }

  /** The version before the oldest that is here. */
  get after(): number {
    return this.#position - this.#commits.length;
  }

  /** The version that follows the newest. */
  push(committed: RegistryCommitted): void {
    this.#commits.push(committed);
    this.#position = committed.version;
    // Not at every commit: moving a thousand references costs more than keeping some of them twice as long.
    if (this.#commits.length >= 2 * this.#max) this.#commits = this.#commits.slice(-this.#max);
  }

  /** Versions that end where the oldest begins, as many as there is room for; others are left alone. */
  unshift(commits: readonly RegistryCommitted[]): void {
    if (commits.at(-1)?.version !== this.after) return;
    const room = Math.max(0, this.#max - this.#commits.length);
    if (room > 0) this.#commits = [...commits.slice(-room), ...this.#commits];
  }

  /** Those after `after`, as far as they are here. */
  slice(after: number, limit: number): readonly RegistryCommitted[] {
    const from = Math.max(0, after - this.after);
    return this.#commits.slice(from, from + limit);
  }
}
