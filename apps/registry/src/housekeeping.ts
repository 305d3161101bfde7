import type { Logger } from '@macronode/service';
import type { AuditTrail } from './audit-trail.ts';
import type { Clock } from './clock.ts';
import type { Checkpointer } from './checkpointer.ts';
import type { LogStore } from './log.store.ts';
import type { RegistryMetrics } from './metrics.ts';

const EXPIRE_INTERVAL_MS = 1_000;
const COMPACT_INTERVAL_MS = 1_000;
/** Steps at once: one that runs, and one that waits for it. Each kind has its next try a second later. */
const PENDING_MAX = 2;
/** Rows of each kind one step removes: a step shares the writer with commits. */
const COMPACT_ROWS = 200;
const HOUR_MS = 3_600_000;
const MINUTES_A_DAY = 1_440;

export interface HousekeepingOptions {
  readonly store: LogStore;
  readonly checkpointer: Checkpointer | undefined;
  readonly audit: AuditTrail;
  readonly clock: Clock;
  readonly metrics: RegistryMetrics;
  readonly log: Logger;
  readonly checkpointIntervalMs: number;
  /** `HH:MM-HH:MM`, UTC. */
  readonly compactionWindow: string;
  readonly proposalKeepHours: number;
  readonly auditKeep: number;
  /** Told after the checkpoint was signed again. */
  readonly onResign: () => void;
}

const minuteOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));

/** Whether an instant lies in a window of the day, which may pass midnight. A window of no length is the whole day. */
export function inWindow(window: string, nowMs: number): boolean {
  const [from = '', to = ''] = window.split('-');
  const minute = Math.floor(nowMs / 60_000) % MINUTES_A_DAY;
  const length = (minuteOf(to) - minuteOf(from) + MINUTES_A_DAY) % MINUTES_A_DAY || MINUTES_A_DAY;
  return (minute - minuteOf(from) + MINUTES_A_DAY) % MINUTES_A_DAY < length;
}

/** What a log does by itself: signs its checkpoint again, ends proposals, removes in its window what is settled. */
export class Housekeeping {
  readonly #options: HousekeepingOptions;
  readonly #timers: NodeJS.Timeout[] = [];
  #busy: Promise<void> = Promise.resolve();
  #pending = 0;

  constructor(options: HousekeepingOptions) {
    this.#options = options;
  }

  start(): void {
    const { checkpointer, checkpointIntervalMs, onResign } = this.#options;
    this.#every(checkpointIntervalMs, () => {
      checkpointer?.resign();
      onResign();
    });
    this.#every(EXPIRE_INTERVAL_MS, () => this.#queue(() => this.#expire()));
    this.#every(COMPACT_INTERVAL_MS, () => this.#queue(() => this.#compact()));
  }

  /** Resolves when nothing is running and nothing will. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#busy;
  }

  #every(ms: number, work: () => void): void {
    this.#timers.push(setInterval(work, ms).unref());
  }

  /** One after another; what comes while one runs and one waits is left for the next time. */
  #queue(work: () => Promise<void>): void {
    if (this.#pending >= PENDING_MAX || !this.#options.store.writable) return;
    this.#pending += 1;
    this.#busy = this.#busy
      .then(work)
      .catch((err: unknown) => this.#options.log.warn({ err }, 'housekeeping failed; the next pass tries again'))
      .finally(() => (this.#pending -= 1));
  }

  async #expire(): Promise<void> {
    const { store, audit } = this.#options;
    const fact = audit.fact({ kind: 'expire', actor: null, subject: null });
    if (!store.openProposals().some(({ expiresAt }) => expiresAt <= fact.at)) return;
    audit.appended(await store.expire(fact));
  }

  async #compact(): Promise<void> {
    const { store, clock, compactionWindow, proposalKeepHours, auditKeep, metrics } = this.#options;
    const now = clock.wallMs();
    if (!inWindow(compactionWindow, now)) return;
    const settledBefore = now - proposalKeepHours * HOUR_MS;
    try {
      const removed = await store.compact({ now, settledBefore, auditKeep, rows: COMPACT_ROWS });
      if (removed > 0) metrics.compactions.inc({ result: 'ok' });
    } catch (error) {
      metrics.compactions.inc({ result: 'failed' });
      throw error;
    }
  }
}
