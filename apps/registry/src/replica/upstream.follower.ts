import { type Clock, systemClock } from '@macronode/bus';
import { LogFollower } from '@macronode/log';
import type { Logger } from '@macronode/service';
import { HttpLogSource, type UpstreamEntry } from './http-log.source.ts';
import { UpstreamEvents } from './upstream-events.ts';

/** The head, and with it the checkpoint, is read at least this often: a checkpoint must not be a minute old. */
const RECONCILE_MS = 10_000;
/** Entries of one reading: one `apply` verifies them in one go. */
const PAGE = 200;
const RETRY_MS = 250;
const RETRY_MAX_MS = 10_000;

export interface UpstreamFollowerOptions {
  /** Of the registry to follow, or of a gateway before it. */
  readonly url: string;
  /** Verifies and stores the versions that follow `after()`. What it throws is logged, and the same entries come again. */
  readonly apply: (entries: readonly UpstreamEntry[]) => Promise<void>;
  /** The newest version stored. */
  readonly after: () => number;
  /**
   * The newest checkpoint, read once everything known of is stored. It may be the one it was before, and it may cover
   * versions that were committed meanwhile: then another one follows.
   */
  readonly onCheckpoint: (text: string) => Promise<void> | void;
  /** Told whenever all that the log is known to have was taken over, its checkpoint too. */
  readonly onCaughtUp?: () => void;
  /** Told of what went wrong with entries or a checkpoint, before they come again. */
  readonly onError?: (error: unknown) => void;
  readonly log: Logger;
  readonly clock?: Clock;
  readonly reconcileMs?: number;
}

/** Follows a log over HTTP: its event stream, and its pages wherever that leaves a doubt. */
export class UpstreamFollower implements AsyncDisposable {
  /** What is followed, for what is read but once: its signers and its keys. */
  readonly source: HttpLogSource;
  readonly #options: UpstreamFollowerOptions;
  readonly #follower: LogFollower<UpstreamEntry>;
  readonly #events: UpstreamEvents;
  readonly #closing = new AbortController();
  #headVersion = 0;
  #checkpoint: Promise<void> | undefined;

  constructor(options: UpstreamFollowerOptions) {
    const { url, after, log, clock = systemClock, reconcileMs = RECONCILE_MS } = options;
    this.#options = options;
    this.source = new HttpLogSource(url);
    const onError = (err: unknown): void => log.warn({ err, upstream: url }, 'the log could not be followed');
    const onFollowError = (err: unknown): void => {
      onError(err);
      options.onError?.(err);
    };
    this.#follower = new LogFollower<UpstreamEntry>({
      source: this.source,
      position: after,
      apply: async (entries) => {
        await options.apply(entries);
        this.#caughtUp();
      },
      onHead: ({ version }) => {
        // Also backwards: an event may have told of what never came to be.
        this.#headVersion = version;
        this.#caughtUp();
      },
      onError: onFollowError,
      timer: clock,
      reconcileMs,
      page: PAGE,
      retryMs: RETRY_MS,
      retryMaxMs: RETRY_MAX_MS,
    });
    this.#events = new UpstreamEvents({
      url,
      onCommit: (committed) => {
        this.#headVersion = Math.max(this.#headVersion, committed.version);
        this.#follower.notify(committed);
      },
      onLost: () => this.#follower.lost(),
      onError,
      timer: clock,
    });
  }

  /** Versions the log has and `after()` does not know, as far as the log was heard of. */
  get lag(): number {
    return Math.max(0, this.#headVersion - this.#options.after());
  }

  start(): void {
    this.#follower.start();
    this.#events.start();
  }

  /** Stops both, and waits for the `apply` under way. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([this.#events.close(), this.#follower.close(), this.#checkpoint]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** A checkpoint covers entries: it is of use once they are here. */
  #caughtUp(): void {
    if (this.lag > 0 || this.#closing.signal.aborted) return;
    this.#checkpoint ??= this.#readCheckpoint().finally(() => (this.#checkpoint = undefined));
  }

  async #readCheckpoint(): Promise<void> {
    const { log, url, after, onCheckpoint, onCaughtUp, onError } = this.#options;
    const { signal } = this.#closing;
    try {
      let of: number;
      do {
        of = after();
        const text = await this.source.checkpoint(signal);
        if (text !== undefined && !signal.aborted) await onCheckpoint(text);
        // Another version may have been taken over while this one was read.
      } while (!signal.aborted && this.lag === 0 && of !== after());
      if (!signal.aborted && this.lag === 0) onCaughtUp?.();
    } catch (err) {
      if (signal.aborted) return;
      // The next head asks for it again.
      log.warn({ err, upstream: url }, 'the checkpoint could not be taken over');
      onError?.(err);
    }
  }
}
