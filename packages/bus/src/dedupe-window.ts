import type { Clock } from './clock.ts';
import type { Link } from './link.ts';

/** Ids of one claim (count): the call to the medium must stay short. */
const CLAIM_MAX = 128;
/**
 * What a claim outlives the deadline of its request by, in ms: the clocks of the medium and of its instances may differ by
 * that much. After the deadline a request is expired and never runs, so the window is bounded by what deadlines allow.
 */
const SLACK_MS = 5_000;

/** What became of a claim: the request is ours, was started before, or the medium could not say. */
export type ClaimOutcome = 'first' | 'duplicate' | Error;

interface Waiting {
  readonly id: string;
  readonly ttlMs: number;
  readonly done: (outcome: ClaimOutcome) => void;
}

/**
 * Starts each request to a non-idempotent handler at most once: its id is claimed in the medium before it runs, together
 * with those that become ready in the same turn.
 */
export class DedupeWindow {
  readonly #link: Link;
  readonly #clock: Clock;
  readonly #service: string;
  readonly #running = new Set<string>();
  #waiting: Waiting[] = [];
  #scheduled = false;

  constructor(link: Link, clock: Clock, service: string) {
    this.#link = link;
    this.#clock = clock;
    this.#service = service;
  }

  /** Whether this instance runs the request now. */
  isRunning(id: string): boolean {
    return this.#running.has(id);
  }

  /** Claims the id of a request that expires at `deadlineAt`. `done` runs once, in a later turn. */
  claim(id: string, deadlineAt: number, done: (outcome: ClaimOutcome) => void): void {
    this.#waiting.push({ id, ttlMs: Math.ceil(deadlineAt - this.#clock.now()) + SLACK_MS, done });
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(() => this.#flush());
  }

  /** The request was answered, or was never run. */
  release(id: string): void {
    this.#running.delete(id);
  }

  #flush(): void {
    this.#scheduled = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (let at = 0; at < waiting.length; at += CLAIM_MAX) void this.#claim(waiting.slice(at, at + CLAIM_MAX));
  }

  async #claim(batch: readonly Waiting[]): Promise<void> {
    // One window for the batch: the longest of it is long enough for all.
    const ttlMs = batch.reduce((longest, { ttlMs }) => Math.max(longest, ttlMs), 0);
    let claimed: readonly boolean[];
    try {
      claimed = await this.#link.claim(
        this.#service,
        batch.map(({ id }) => id),
        ttlMs,
      );
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      for (const { done } of batch) done(failure);
      return;
    }
    batch.forEach(({ id, done }, i) => {
      if (claimed[i] !== true) return done('duplicate');
      this.#running.add(id);
      done('first');
    });
  }
}
