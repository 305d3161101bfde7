/** Refreshers of one registry. Each delays every scrape, so whoever needs more has to join what is read together. */
const REFRESHERS_MAX = 16;
/** How long a scrape waits for one refresher, in ms. */
const WAIT_MS = 500;
/** How long a scrape waits for all of them together, in ms: half the shortest scrape timeout in use, 2 s. */
const WAIT_ALL_MS = 1_000;

/** A refresher that was not taken: the list is full, or its name is in use. A defect of the program, found at start-up. */
export class RefresherRefused extends Error {
  override readonly name = 'RefresherRefused';
  readonly reason: 'full' | 'name_taken';
  constructor(refresher: string, reason: 'full' | 'name_taken') {
    const problem = reason === 'full' ? `there are ${REFRESHERS_MAX} refreshers already` : 'the name is in use';
    super(`refresher ${refresher}: ${problem}`);
    this.reason = reason;
  }
}

interface Refresher {
  readonly run: () => unknown;
  readonly contextual: boolean;
  /** Not ended yet, though the scrape it was run for has gone on. */
  running: boolean;
}

/**
 * What runs before a scrape, at most 16, each under a name of its own: those without a context first, then those with one,
 * each kind in the order it was added, one after the other. One that throws, rejects or does not end within 500 ms is
 * counted and changes nothing for the others; while it still runs it is not run again, which counts as well.
 */
export class Refreshers {
  readonly #byName = new Map<string, Refresher>();
  readonly #failed: () => void;
  #run: Promise<void> | undefined;

  constructor(failed: () => void) {
    this.#failed = failed;
  }

  /**
   * Adds a refresher and returns how to remove it. Throws RefresherRefused when 16 are there, or one of this name, be it
   * the same function: two owners of one name would remove each other's.
   */
  add(name: string, run: () => unknown, contextual: boolean): () => void {
    if (this.#byName.has(name)) throw new RefresherRefused(name, 'name_taken');
    if (this.#byName.size >= REFRESHERS_MAX) throw new RefresherRefused(name, 'full');
    const refresher = { run, contextual, running: false };
    this.#byName.set(name, refresher);
    return () => {
      if (this.#byName.get(name) === refresher) this.#byName.delete(name);
    };
  }

  /** Runs all; never rejects. A scrape that begins while they run for another waits for these: nothing is late then. */
  run(): Promise<void> {
    this.#run ??= this.#runAll().finally(() => (this.#run = undefined));
    return this.#run;
  }

  /** One removed meanwhile is not run any more. */
  async #runAll(): Promise<void> {
    const until = performance.now() + WAIT_ALL_MS;
    const all = [...this.#byName].sort(([, a], [, b]) => Number(a.contextual) - Number(b.contextual));
    for (const [name, refresher] of all) {
      if (this.#byName.get(name) !== refresher) continue;
      if (refresher.running || !(await this.#ended(refresher, until))) this.#failed();
    }
  }

  /** Whether it ended well and in time. */
  async #ended(refresher: Refresher, until: number): Promise<boolean> {
    try {
      const result = refresher.run();
      if (!(result instanceof Promise)) return true;
      refresher.running = true;
      const ended = result.then(
        () => true,
        () => false,
      );
      void ended.then(() => (refresher.running = false));
      return await within(ended, Math.min(WAIT_MS, Math.max(0, until - performance.now())));
    } catch {
      return false;
    }
  }
}

/** What `ended` says, or false after `ms`. */
async function within(ended: Promise<boolean>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([ended, late]);
  } finally {
    clearTimeout(timer);
  }
}
