// One caller of the slow handler, in a process of its own. Each order it gets is one phase of load.
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { Bus, BusOverflow, type BusSubject, RedisLink } from '@macronode/bus';
import { MetricsRegistry } from '@macronode/metrics';
import { LatencyHistogram } from '../../measure/histogram.ts';
import { errorName } from '../bus/load-loops.ts';
import { makePayload } from '../bus/payloads.ts';
import { openLoop } from '../../measure/open-loop.ts';
import type { LoadOrder, LoadReport, OverflowMessage } from './messages.ts';
import { readSeries, sumBy } from './series.ts';

const DEADLINE_MS = 5_000;
/** Every call ends by its deadline; what has not a while after it is not accounted for. */
const DRAIN_MS = 2 * DEADLINE_MS;
const POLL_MS = 10;

const [redisUrl = '', inflightCalls = ''] = process.argv.slice(2);
process.on('disconnect', () => process.exit());
const passing = { parse: (value: unknown): unknown => value };
const SUBJECT: BusSubject<unknown, unknown> = {
  name: 'bench.slow',
  service: 'bench',
  request: passing,
  reply: passing,
  stream: 'none',
  // One call, one request on the wire: what is counted is what was offered.
  idempotent: false,
  deadlineMs: DEADLINE_MS,
};
const registry = new MetricsRegistry();
const metrics = registry.scope({ service: 'caller' });
const bus = new Bus({
  service: 'caller',
  link: new RedisLink({ url: redisUrl, name: 'caller', metrics }),
  metrics,
  limits: { inflightCalls: Number(inflightCalls) },
});
const payload = makePayload('256');
let calls = 0;

class Phase {
  readonly #answers = new LatencyHistogram();
  readonly #refusals = new LatencyHistogram();
  readonly #ended: Record<string, number> = {};
  #offered = 0;
  #underWay = 0;
  #answeredInTime = 0;
  #over = false;

  async run(order: LoadOrder): Promise<LoadReport> {
    const before = await readSeries(registry);
    const startedAt = performance.now();
    const over = (): boolean => this.#over;
    const load =
      order.type === 'open'
        ? openLoop(order.rate, over, (dueAt) => void this.#call(dueAt))
        : Promise.all(Array.from({ length: order.concurrency }, () => this.#worker()));
    await delay(order.ms);
    this.#over = true;
    const elapsedMs = performance.now() - startedAt;
    const answeredPerSecond = this.#answeredInTime / (elapsedMs / 1_000);
    await load;
    const giveUpAt = performance.now() + DRAIN_MS;
    while (this.#underWay > 0 && performance.now() < giveUpAt) await delay(POLL_MS);
    const after = await readSeries(registry);
    const growth = (metric: string, label?: string): Record<string, number> => {
      const old = sumBy(before, metric, label);
      return Object.fromEntries(
        Object.entries(sumBy(after, metric, label)).map(([key, value]) => [key, value - (old[key] ?? 0)]),
      );
    };
    return {
      offered: this.#offered,
      ended: this.#ended,
      answeredPerSecond,
      answers: this.#answers.counts(),
      refusals: this.#refusals.counts(),
      results: growth('bus_requests_total', 'result'),
      overflow: growth('bus_overflow_total', 'gate'),
      published: growth('bus_published_total')[''] ?? 0,
    };
  }

  async #worker(): Promise<void> {
    while (!this.#over) {
      await this.#call(performance.now());
      await nextTurn();
    }
  }

  async #call(dueAt: number): Promise<void> {
    this.#offered += 1;
    this.#underWay += 1;
    let end = 'ok';
    try {
      await bus.call(SUBJECT, payload, { corrId: String((calls += 1)) });
      this.#answers.record((performance.now() - dueAt) * 1_000);
      if (!this.#over) this.#answeredInTime += 1;
    } catch (error) {
      end = errorName(error);
      if (error instanceof BusOverflow) this.#refusals.record((performance.now() - dueAt) * 1_000);
    }
    this.#underWay -= 1;
    this.#ended[end] = (this.#ended[end] ?? 0) + 1;
  }
}

const tell = (message: OverflowMessage): void => void process.send?.(message);
process.on('message', (order: LoadOrder) => {
  void new Phase().run(order).then((report) => tell({ type: 'report', report }));
});
await bus.start();
tell({ type: 'ready' });
