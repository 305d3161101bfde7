/** What a link does when a fault begins or ends. */
export interface FaultListener {
  onAway(away: boolean): void;
  onStall(stalled: boolean): void;
}

/**
 * Faults of the medium of one process, for tests of what is built on the bus: handed to an `InProcessLink`, and switched
 * on and off while it runs. They look to a bus as those of a Redis do; a killed consumer is a bus that is closed.
 */
export class InProcessFaults {
  readonly #listeners = new Set<FaultListener>();
  #full = false;
  #away = false;
  #stalled = false;

  /** Request and work streams refuse as if they were full: `BusOverflow('stream')`. */
  get full(): boolean {
    return this.#full;
  }
  set full(full: boolean) {
    this.#full = full;
  }

  /** The link is `reconnecting`: every append is `BusUnavailable`, and what was appended is delivered afterwards. */
  get away(): boolean {
    return this.#away;
  }
  set away(away: boolean) {
    if (this.#away === away) return;
    this.#away = away;
    for (const listener of this.#listeners) listener.onAway(away);
    this.#tellStall();
  }

  /** Appends work, but requests, work and answers are not delivered until it ends. */
  get stalled(): boolean {
    return this.#stalled;
  }
  set stalled(stalled: boolean) {
    if (this.#stalled === stalled) return;
    this.#stalled = stalled;
    this.#tellStall();
  }

  /** Whether anything is delivered now. */
  get delivers(): boolean {
    return !this.#away && !this.#stalled;
  }

  /** For the link. */
  listen(listener: FaultListener): void {
    this.#listeners.add(listener);
  }

  #tellStall(): void {
    for (const listener of this.#listeners) listener.onStall(!this.delivers);
  }
}
