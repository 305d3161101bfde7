import { type Bus, type Clock, systemClock } from '@macronode/bus';
import { LIMITS, RegistryCommitted, type RegistryHead, ServiceError, TOPICS } from '@macronode/contracts';
import { LogFollower } from '@macronode/log';
import { CommitFeed } from '@macronode/log-http';
import type { Logger } from '@macronode/service';
import { BusLogSource } from './bus-log.source.ts';
import { CommitRing } from './commit-ring.ts';

const BACKFILL = LIMITS.registry_stream_backfill.value;
/** Without a hint for so long the head is asked for: the last of them may have been lost, with none after it to tell. */
const RECONCILE_MS = 15_000;
/** How soon a registry that is missing is asked for again, at first and at last. */
const RETRY_MS = 250;
const RETRY_MAX_MS = 5_000;

/**
 * The commits of the registry as this gateway knows them: the hints of the bus, and the log itself where they leave a doubt.
 * It begins at the head it finds; what is older is read when somebody asks for it, and kept.
 */
export class BusCommitFeed extends CommitFeed {
  readonly #source: BusLogSource;
  readonly #follower: LogFollower<RegistryCommitted>;
  readonly #listeners = new Set<(committed: RegistryCommitted) => void>();
  readonly #closing = new AbortController();
  readonly #bus: Bus;
  #ring: CommitRing | undefined;
  #head: RegistryHead | undefined;
  #reachingBack: Promise<void> | undefined;
  #stopListening: () => void = () => undefined;

  constructor(bus: Bus, log: Logger, clock: Clock = systemClock) {
    super();
    this.#bus = bus;
    this.#source = new BusLogSource(bus);
    this.#follower = new LogFollower({
      source: this.#source,
      position: () => this.#ring?.position ?? 0,
      apply: (commits) => this.#apply(commits),
      fromEvent: (committed) => committed,
      onHead: (head) => this.#onHead(head),
      onError: (err) => log.debug({ err }, 'the registry could not be read'),
      timer: clock,
      reconcileMs: RECONCILE_MS,
      page: BACKFILL,
      retryMs: RETRY_MS,
      retryMaxMs: RETRY_MAX_MS,
    });
  }

  /** Follows the registry from when the bus is there. It does not wait for either. */
  start(): void {
    void this.#bus.onHint(
      TOPICS.registryCommitted.name,
      (event) => this.#follower.notify(RegistryCommitted.parse(event)),
      () => this.#follower.lost(),
    );
    // Whoever was away may have missed the last hint there was.
    const follow = (): void => {
      if (this.#bus.status() === 'ready') this.#follower.lost();
    };
    this.#stopListening = this.#bus.onStatus(follow);
    follow();
  }

  async close(): Promise<void> {
    this.#stopListening();
    this.#closing.abort();
    await this.#follower.close();
  }

  /** Its `checkpoint_size` is that of the last head read: the log's own is no smaller. */
  override head(): RegistryHead {
    if (this.#head !== undefined) return this.#head;
    throw new ServiceError('unavailable', 'the registry has not been reached yet', { retryAfterMs: RETRY_MAX_MS });
  }

  override async committed(after: number, limit: number): Promise<readonly RegistryCommitted[]> {
    const ring = this.#ring;
    if (ring === undefined) return [];
    // One reading for all who come back at once: whoever needs more reads the rest.
    while (ring.after > after && ring.position - after <= BACKFILL) {
      this.#reachingBack ??= this.#reachBack(ring, after).finally(() => (this.#reachingBack = undefined));
      await this.#reachingBack;
    }
    return ring.after > after ? [] : ring.slice(after, limit);
  }

  override subscribe(listener: (committed: RegistryCommitted) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #onHead(head: RegistryHead): void {
    if (this.#head === undefined) {
      this.#ring = new CommitRing(BACKFILL, head.version);
      this.#head = head;
    } else if (head.checkpoint_size > this.#head.checkpoint_size) {
      this.#head = { ...this.#head, checkpoint_size: head.checkpoint_size };
    }
  }

  #apply(commits: readonly RegistryCommitted[]): void {
    for (const committed of commits) {
      this.#ring?.push(committed);
      this.#head = { ...committed, checkpoint_size: this.#head?.checkpoint_size ?? 0 };
      for (const listener of this.#listeners) listener(committed);
    }
  }

  async #reachBack(ring: CommitRing, after: number): Promise<void> {
    const until = ring.after;
    const found: RegistryCommitted[] = [];
    while (after + found.length < until) {
      const page = await this.#source.after(after + found.length, until - after - found.length, this.#closing.signal);
      if (page.length === 0) throw new ServiceError('unavailable', 'the log ends before it should');
      found.push(...page);
    }
    ring.unshift(found);
    if (ring.after > after) throw new ServiceError('unavailable', 'the log went on too quickly');
  }
}
