// A service of the verification's own on the node's bus: what it does to itself is what any service could suffer.
import { setTimeout as delay } from 'node:timers/promises';
import { Bus, BusOverflow, type BusSubject, RedisLink } from '@macronode/bus';
import { MetricsRegistry } from '@macronode/metrics';
import { readMetrics } from '../measure/metrics.ts';

const SERVICE = 'verification';
const CALL_TTL_MS = 60_000;
const HANDLER_MS = 50;
/** Twice what the handlers of the probe do in the deadline of a call, and more than a stream holds. */
const CALLERS = 6_000;
const CALL_PAUSE_MS = 500;
/** More than a reader keeps for later. */
const HINTS = 6_000;
const HINTS_PER_TURN = 50;
/** What an idle service still says to itself, so that its panels have something to draw. */
const HEARTBEAT_MS = 250;

const anything = { parse: (value: unknown): unknown => value };
const subject = (verb: string): BusSubject<unknown, unknown> => ({
  name: `${SERVICE}.${verb}`,
  service: SERVICE,
  request: anything,
  reply: anything,
  stream: 'none',
  idempotent: true,
  deadlineMs: CALL_TTL_MS,
});
const TOPIC = { name: `${SERVICE}.hint`, event: anything };
const context = { corrId: SERVICE, ttlMs: CALL_TTL_MS };

interface FloodOptions {
  readonly callers?: number;
  /** Milliseconds each call waits for its answer. */
  readonly ttlMs?: number;
}

export class BusProbe implements AsyncDisposable {
  readonly registry = new MetricsRegistry();
  readonly #link: RedisLink;
  readonly #bus: Bus;
  readonly #over = new AbortController();
  #hintPauseMs = 0;
  #refused = 0;
  #calls = 0;

  /** `inflightCalls` bounds its calls without an answer; by default more than its flood needs. */
  constructor(redisUrl: string, { inflightCalls = 2 * CALLERS }: { readonly inflightCalls?: number } = {}) {
    const metrics = this.registry.scope({ service: SERVICE });
    this.#link = new RedisLink({ url: redisUrl, name: SERVICE, metrics });
    const limits = { handlerConcurrency: 2, inflightCalls };
    this.#bus = new Bus({ service: SERVICE, link: this.#link, metrics, limits });
  }

  async start(): Promise<void> {
    this.#bus.serve(`${SERVICE}.slow`, () => delay(HANDLER_MS));
    this.#bus.serve(`${SERVICE}.hang`, (ms) => delay(Number(ms)));
    await this.#bus.onHint(
      TOPIC.name,
      () => delay(this.#hintPauseMs),
      () => undefined,
    );
    await this.#bus.start();
    void this.#heartbeat();
  }

  async #heartbeat(): Promise<void> {
    while (!this.#over.signal.aborted) {
      await this.#quietly(this.#bus.call(subject('slow'), 0, context));
      await this.#quietly(this.#bus.publishHint(TOPIC, 0, context));
      await delay(HEARTBEAT_MS);
    }
  }

  /** More callers than its handlers and its stream can take, until it is told to stop. */
  flood({ callers = CALLERS, ttlMs = CALL_TTL_MS }: FloodOptions = {}): () => void {
    let over = false;
    const caller = async (): Promise<void> => {
      while (!over) {
        await this.#quietly(this.#bus.call(subject('slow'), 0, { ...context, ttlMs }));
        await delay(CALL_PAUSE_MS);
      }
    };
    for (let i = 0; i < callers; i += 1) void caller();
    return () => (over = true);
  }

  /** One handler that does not come back for so long. */
  hang(ms: number): void {
    void this.#quietly(this.#bus.call(subject('hang'), ms, context));
  }

  /** A reader too slow for what it is told, until it is told to stop; `pauseMs` between fifty hints. */
  slowReader({ pauseMs = 0 }: { readonly pauseMs?: number } = {}): () => void {
    let over = false;
    this.#hintPauseMs = 100;
    const publish = async (): Promise<void> => {
      while (!over) {
        for (let sent = 0; sent < HINTS && !over; sent += HINTS_PER_TURN) {
          await Promise.all(
            Array.from({ length: HINTS_PER_TURN }, () => this.#quietly(this.#bus.publishHint(TOPIC, 0, context))),
          );
          if (pauseMs > 0) await delay(pauseMs);
        }
      }
    };
    void publish();
    return () => {
      over = true;
      this.#hintPauseMs = 0;
    };
  }

  /** Calls and hints refused at a full bound, as who made them was told. */
  get refused(): number {
    return this.#refused;
  }

  /** Calls and hints that are not answered yet. */
  get unanswered(): number {
    return this.#calls;
  }

  /** The sum of a metric of its bus over all labels. */
  async sum(metric: string): Promise<number> {
    return readMetrics(await this.registry.render()).total(metric);
  }

  /** What is lost here is counted by the bus; that is all anybody wants to know. */
  async #quietly(work: Promise<unknown>): Promise<void> {
    this.#calls += 1;
    await work.catch((error: unknown) => {
      if (error instanceof BusOverflow) this.#refused += 1;
    });
    this.#calls -= 1;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#bus.close();
    await this.#link.close();
  }
}
