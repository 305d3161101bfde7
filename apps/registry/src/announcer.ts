import type { Bus } from '@macronode/bus';
import { type RegistryCommitted, TOPICS } from '@macronode/contracts';
import { type Logger, newUlid } from '@macronode/service';
import type { CommitOrigin } from './log.service.ts';
import type { RegistryMetrics } from './metrics.ts';

/** Commits that wait to be announced; beyond it the oldest goes: readers find it at the head. */
const WAITING_MAX = 1_024;
/** How long one announcement may take. */
const TTL_MS = 2_000;

/** Tells the bus of commits, one after another and in nobody's way: what cannot be told is counted. */
export class Announcer {
  readonly #bus: Bus;
  readonly #metrics: RegistryMetrics;
  readonly #log: Logger;
  readonly #waiting: (readonly [RegistryCommitted, CommitOrigin | undefined])[] = [];
  #running = false;

  constructor(bus: Bus, metrics: RegistryMetrics, log: Logger) {
    this.#bus = bus;
    this.#metrics = metrics;
    this.#log = log;
  }

  announce(committed: RegistryCommitted, origin?: CommitOrigin): void {
    if (this.#waiting.length >= WAITING_MAX) {
      this.#waiting.shift();
      this.#metrics.eventsDropped.inc();
    }
    this.#waiting.push([committed, origin]);
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const [committed, origin = { corrId: newUlid(), traceparent: undefined }] = next;
      try {
        const { corrId, traceparent, tracestate } = origin;
        await this.#bus.publishHint(TOPICS.registryCommitted, committed, {
          corrId,
          traceparent,
          tracestate,
          ttlMs: TTL_MS,
        });
      } catch (err) {
        this.#metrics.eventsDropped.inc();
        // Not louder: a bus that is away says so itself, and readers find the version at the head.
        this.#log.debug({ err, version: committed.version }, 'a commit was not announced');
      }
    }
    this.#running = false;
  }
}
