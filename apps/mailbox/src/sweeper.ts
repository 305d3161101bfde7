export interface SweeperOptions {
  /** One bounded pass; true when there is more to do at once. */
  readonly sweep: () => Promise<boolean>;
  readonly intervalMs: number;
  readonly onFailure: (error: unknown) => void;
  /** Monotonic clock, ms. */
  readonly now: () => number;
}

/** Without a pass that succeeded for this long, leases do not run out and the mailbox is not ready. */
export const SWEEPER_STALL_MS = 10_000;

/** Runs passes one after another: back to back while there is more to do, else at the interval. */
export class Sweeper {
  readonly #options: SweeperOptions;
  #lastDone: number;
  #timer: NodeJS.Timeout | undefined;
  #pass: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: SweeperOptions) {
    this.#options = options;
    this.#lastDone = options.now();
  }

  start(): void {
    this.#schedule(0);
  }

  get alive(): boolean {
    return !this.#stopped && this.#options.now() - this.#lastDone < SWEEPER_STALL_MS;
  }

  /** Resolves when no pass is running and none will. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#pass;
  }

  #schedule(delayMs: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#pass = this.#run();
    }, delayMs);
    this.#timer.unref();
  }

  async #run(): Promise<void> {
    let more = false;
    try {
      more = await this.#options.sweep();
      this.#lastDone = this.#options.now();
    } catch (error) {
      this.#options.onFailure(error);
    }
    this.#schedule(more ? 0 : this.#options.intervalMs);
  }
}
