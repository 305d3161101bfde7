import type { RegistryCommitted, RegistryHead } from '@macronode/contracts';

/** What a follower takes over: an entry, or what is told of one. */
export interface FollowedItem {
  readonly version: number;
}

/** Where a follower reads: the snapshot. What it is told between two readings are only events. */
export interface LogSource<Item extends FollowedItem> {
  head(signal: AbortSignal): Promise<RegistryHead>;
  /** Versions after `after`, in order and without a hole: at least one where there is one, at most `limit`. */
  after(after: number, limit: number, signal: AbortSignal): Promise<readonly Item[]>;
}

/** One-shot timers; the answer cancels one. */
export interface FollowerTimer {
  after(ms: number, run: () => void): () => void;
}

export interface LogFollowerOptions<Item extends FollowedItem> {
  readonly source: LogSource<Item>;
  /** The newest version taken over. Asked again after every head and every `apply`. */
  readonly position: () => number;
  /** Takes over the versions that follow `position()`, each once and in order; afterwards the position is the last. */
  readonly apply: (items: readonly Item[]) => Promise<void> | void;
  /** The item an event is by itself; undefined when it has to be read. Without it every item is read. */
  readonly fromEvent?: (committed: RegistryCommitted) => Item | undefined;
  /** Told of every head that was read, before what is missing is. */
  readonly onHead?: (head: RegistryHead) => void;
  /** Told of what went wrong, before it is tried again. */
  readonly onError?: (error: unknown) => void;
  readonly timer: FollowerTimer;
  /** The head is read again after so long without a reason to, in ms: an event that was lost last has no next one. */
  readonly reconcileMs: number;
  /** Versions of one reading. */
  readonly page: number;
  /** First and longest pause between tries, in ms. */
  readonly retryMs: number;
  readonly retryMaxMs: number;
  /** From 0 to below 1. */
  readonly random?: () => number;
}

/** Events kept for the moment they are next; more are read instead. */
const HEARD_MAX = 256;

/** Thrown when a source answers other versions than were asked for, or `apply` did not take them over. */
export class FollowerOutOfStep extends Error {
  override readonly name = 'FollowerOutOfStep';
}

/**
 * Follows a log by its events, and by its snapshot wherever these leave a doubt: a hole, a loss, silence, a start. Whatever
 * is lost, told twice or told in another order, `apply` gets every version once and in order. One reading or one `apply`
 * at a time. No event and no head moves it backwards.
 */
export class LogFollower<Item extends FollowedItem> implements AsyncDisposable {
  readonly #options: LogFollowerOptions<Item>;
  readonly #closing = new AbortController();
  readonly #heard = new Map<number, Item>();
  /** The newest version known to be. */
  #known = 0;
  /** The newest version an event told of since the head was last asked for. */
  #told = 0;
  #doubtful = true;
  #failures = 0;
  #running: Promise<void> | undefined;
  #cancelTimer: () => void = () => undefined;

  constructor(options: LogFollowerOptions<Item>) {
    this.#options = options;
  }

  /** Reads the snapshot for the first time. Before it events are heard already. */
  start(): void {
    this.lost();
  }

  /** An event, as it came. */
  notify(committed: RegistryCommitted): void {
    const { version } = committed;
    const position = this.#options.position();
    if (version <= position) return;
    this.#told = Math.max(this.#told, version);
    if (version > Math.max(position, this.#known) + 1) this.#doubtful = true;
    this.#known = Math.max(this.#known, version);
    const item = this.#options.fromEvent?.(committed);
    if (item !== undefined && this.#heard.size < HEARD_MAX) this.#heard.set(version, item);
    this.#wake();
  }

  /** Events were lost, or may have been. */
  lost(): void {
    this.#doubtful = true;
    this.#wake();
  }

  /** Resolves when there is nothing left to read: at the newest version known, or between two tries. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /** Stops: what is under way is aborted, and no `apply` begins any more. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#cancelTimer();
    await this.settled();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #wake(): void {
    if (this.#closing.signal.aborted || this.#running !== undefined || this.#failures > 0) return;
    this.#run();
  }

  #run(): void {
    this.#cancelTimer();
    this.#running = this.#catchUp().finally(() => {
      this.#running = undefined;
      if (this.#closing.signal.aborted) return;
      // An event may have come after the last look.
      if (this.#failures === 0 && this.#behind()) this.#run();
      else this.#wait();
    });
  }

  #wait(): void {
    const { timer, reconcileMs, retryMs, retryMaxMs, random = Math.random } = this.#options;
    const longest = Math.min(retryMaxMs, retryMs * 2 ** (this.#failures - 1));
    const ms = this.#failures === 0 ? reconcileMs : longest * (0.5 + random() / 2);
    this.#cancelTimer = timer.after(ms, () => {
      this.#doubtful = true;
      this.#run();
    });
  }

  #behind(): boolean {
    return this.#doubtful || this.#known > this.#options.position();
  }

  async #catchUp(): Promise<void> {
    const { signal } = this.#closing;
    try {
      while (!signal.aborted && this.#behind()) {
        if (this.#doubtful) await this.#readHead(signal);
        else await this.#takeOver(signal);
      }
      this.#failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      this.#failures += 1;
      this.#doubtful = true;
      this.#options.onError?.(error);
    }
  }

  async #readHead(signal: AbortSignal): Promise<void> {
    this.#doubtful = false;
    this.#told = 0;
    const head = await this.#options.source.head(signal);
    if (signal.aborted) return;
    // What events told before is the head's to confirm; what they told meanwhile it may not have seen.
    this.#known = Math.max(head.version, this.#told);
    this.#options.onHead?.(head);
  }

  async #takeOver(signal: AbortSignal): Promise<void> {
    const { source, position, page, apply } = this.#options;
    const from = position();
    const items = this.#next(from) ?? (await source.after(from, page, signal));
    if (signal.aborted) return;
    const inOrder = items.length <= page && items.every(({ version }, at) => version === from + 1 + at);
    if (items.length === 0 || !inOrder) {
      throw new FollowerOutOfStep(`asked for what follows ${from}, got ${items[0]?.version ?? 'nothing'}`);
    }
    await apply(items);
    const reached = position();
    if (reached !== from + items.length) throw new FollowerOutOfStep(`${reached} was reached from ${from}`);
    for (const version of this.#heard.keys()) if (version <= reached) this.#heard.delete(version);
  }

  /** The next versions, as far as events told them whole. */
  #next(from: number): readonly Item[] | undefined {
    const items: Item[] = [];
    for (let item = this.#heard.get(from + 1); item !== undefined; item = this.#heard.get(item.version + 1)) {
      if (items.length === this.#options.page) break;
      items.push(item);
    }
    return items.length === 0 ? undefined : items;
  }
}
