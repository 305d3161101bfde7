import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { openLoop } from '../../measure/open-loop.ts';
import type { EchoClient } from './contestant.ts';
import { LatencyHistogram } from '../../measure/histogram.ts';
import type { Shape, WindowOrder, WindowReport } from './messages.ts';
import { isEcho, lengthOf, makePayload, PAYLOADS } from './payloads.ts';

/** Calls under way when a window ends are waited for this long; then they count as unanswered. */
const STRAGGLERS_MS = 10_000;
/** The first call of a window, which is compared byte for byte, may take this long. */
const PROBE_MS = 5_000;
const STRAGGLER_POLL_MS = 5;
/** Open loop: calls that may be under way at once. A contestant that falls behind by more is overloaded, which is an error of the call. */
const OPEN_INFLIGHT_MAX = 20_000;
const MICROS_PER_MS = 1_000;

/** One window of one client: it makes calls for the warm-up and the window, and counts those of the window. */
export class LoadWindow {
  readonly #client: EchoClient;
  readonly #order: WindowOrder;
  readonly #payload: unknown;
  readonly #length: number;
  readonly #histogram = new LatencyHistogram();
  readonly #errors: Record<string, number> = {};
  #answered = 0;
  #underWay = 0;
  #from = Infinity;
  #until = Infinity;
  #over = false;

  constructor(client: EchoClient, order: WindowOrder) {
    this.#client = client;
    this.#order = order;
    this.#payload = makePayload(order.payload);
    this.#length = PAYLOADS[order.payload].bytes;
  }

  /** `onPhase` is told when the window begins and when it ends; the report comes when no call is under way. */
  async run(onPhase: (phase: 'measuring' | 'measured') => void): Promise<WindowReport> {
    await this.#probe();
    const { shape, warmUpMs, windowMs } = this.#order;
    const load = shape.loop === 'closed' ? this.#closed(shape.concurrency) : this.#open(shape.rate);
    await delay(warmUpMs);
    this.#from = performance.now();
    this.#until = this.#from + windowMs;
    onPhase('measuring');
    while (performance.now() < this.#until) await delay(this.#until - performance.now());
    const elapsedMs = performance.now() - this.#from;
    this.#until = Math.min(this.#until, performance.now());
    this.#over = true;
    const answered = this.#answered;
    onPhase('measured');
    const giveUpAt = performance.now() + STRAGGLERS_MS;
    await Promise.race([load, delay(STRAGGLERS_MS)]);
    while (this.#underWay > 0 && performance.now() < giveUpAt) await delay(STRAGGLER_POLL_MS);
    if (this.#underWay > 0) this.#errors['unanswered'] = (this.#errors['unanswered'] ?? 0) + this.#underWay;
    return { answered, elapsedMs, latencies: this.#histogram.counts(), errors: this.#errors };
  }

  /** A call that fails is the contestant's affair and counts; an answer that is not an echo ends the run. */
  async #probe(): Promise<void> {
    try {
      const late = Symbol('late');
      const reply = await Promise.race([this.#client.call(this.#payload), delay(PROBE_MS, late)]);
      if (reply === late) return this.#failed('unanswered');
      if (isEcho(this.#payload, reply)) return;
    } catch (error) {
      return this.#failed(errorName(error));
    }
    throw new Error('the answer is not an echo');
  }

  async #closed(concurrency: number): Promise<void> {
    await Promise.all(Array.from({ length: concurrency }, () => this.#worker()));
  }

  /** Calls again as soon as it has an answer. What ends inside the window counts, whenever it began. */
  async #worker(): Promise<void> {
    while (!this.#over) {
      const startedAt = performance.now();
      this.#underWay += 1;
      try {
        const reply = await this.#client.call(this.#payload);
        const endedAt = performance.now();
        if (lengthOf(reply) !== this.#length) throw new Error('length');
        if (!this.#over && endedAt >= this.#from) {
          this.#answered += 1;
          this.#histogram.record((endedAt - startedAt) * MICROS_PER_MS);
        }
      } catch (error) {
        this.#count(error);
        // Whoever refuses at once would keep every timer from running.
        await nextTurn();
      } finally {
        this.#underWay -= 1;
      }
    }
  }

  #open(rate: number): Promise<void> {
    return openLoop(
      rate,
      () => this.#over,
      (dueAt) => void this.#arrival(dueAt),
    );
  }

  async #arrival(dueAt: number): Promise<void> {
    const counts = dueAt >= this.#from && dueAt < this.#until;
    if (this.#underWay >= OPEN_INFLIGHT_MAX) {
      if (counts) this.#count(new Error('overloaded'));
      return;
    }
    this.#underWay += 1;
    try {
      const reply = await this.#client.call(this.#payload);
      const endedAt = performance.now();
      if (lengthOf(reply) !== this.#length) throw new Error('length');
      if (!this.#over && endedAt >= this.#from) this.#answered += 1;
      if (counts) this.#histogram.record((endedAt - dueAt) * MICROS_PER_MS);
    } catch (error) {
      if (counts) this.#count(error);
    } finally {
      this.#underWay -= 1;
    }
  }

  #count(error: unknown): void {
    if (performance.now() < this.#from) return;
    this.#failed(errorName(error));
  }

  #failed(name: string): void {
    this.#errors[name] = (this.#errors[name] ?? 0) + 1;
  }
}

/** A short name for the table: the class of a typed error, the message of a plain one. */
export function errorName(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.name === 'Error' ? error.message : error.name;
}

/** How a shape reads in a table. */
export const shapeTitle = (shape: Shape): string =>
  shape.loop === 'closed' ? `c${shape.concurrency}` : `open ${shape.rate.toLocaleString('en')}/s`;
