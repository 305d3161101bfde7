// Readers of the log in a process of their own, so that what asks does not wait on who watches it.
import { Pool } from 'undici';
import { LatencyHistogram } from '../../measure/histogram.ts';
import { openLoop } from '../../measure/open-loop.ts';
import type { ReaderMessage, ReadOrder, ReadReport } from './messages.ts';

const MICROS_PER_MS = 1_000;
/** A node that answers nothing for a second has so many waiting; a bound for this process, not for the node. */
const WAITING_MAX = 8_000;
const TIMEOUT_MS = 30_000;

const tell = (message: ReaderMessage): void => void process.send?.(message);
process.on('disconnect', () => process.exit());

class Readers {
  readonly #order: ReadOrder;
  readonly #pool: Pool;
  readonly #latencies = new LatencyHistogram();
  readonly #statuses: Record<string, number> = {};
  readonly #tags = new Map<string, string>();
  #wrong = 0;
  #dropped = 0;
  #waiting = 0;

  constructor(order: ReadOrder) {
    this.#order = order;
    const timeouts = { headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS };
    this.#pool = new Pool(order.url, { connections: order.connections, pipelining: 1, ...timeouts });
  }

  async run(): Promise<ReadReport> {
    const { rate, ms, connections } = this.#order;
    const startedAt = performance.now();
    const over = (): boolean => performance.now() - startedAt >= ms;
    if (rate === undefined) await Promise.all(Array.from({ length: connections }, () => this.#round(over)));
    else await this.#arrivals(rate, over);
    const elapsedMs = performance.now() - startedAt;
    await this.#pool.close();
    return {
      ...{ statuses: this.#statuses, wrong: this.#wrong, dropped: this.#dropped, elapsedMs },
      ...{ answered: this.#latencies.total, latencies: this.#latencies.counts() },
    };
  }

  async #round(over: () => boolean): Promise<void> {
    while (!over()) await this.#read(performance.now());
  }

  async #arrivals(rate: number, over: () => boolean): Promise<void> {
    const underWay = new Set<Promise<void>>();
    await openLoop(rate, over, (dueAt) => {
      if (this.#waiting >= WAITING_MAX) return void (this.#dropped += 1);
      this.#waiting += 1;
      const one = this.#read(dueAt).finally(() => {
        this.#waiting -= 1;
        underWay.delete(one);
      });
      underWay.add(one);
    });
    await Promise.all(underWay);
  }

  async #read(dueAt: number): Promise<void> {
    const { read, knownShare, versions } = this.#order;
    const path = read === 'head' ? '/registry/head' : `/registry/${1 + Math.floor(Math.random() * versions)}`;
    const known = Math.random() < knownShare ? this.#tags.get(path) : undefined;
    try {
      const headers = known === undefined ? {} : { 'If-None-Match': known };
      const { statusCode, headers: got, body } = await this.#pool.request({ method: 'GET', path, headers });
      const text = await body.text();
      this.#statuses[statusCode] = (this.#statuses[statusCode] ?? 0) + 1;
      if (statusCode !== 200 && statusCode !== 304) return;
      if (typeof got['etag'] === 'string') this.#tags.set(path, got['etag']);
      const isRight =
        statusCode === 304 ? known !== undefined && text === '' : text.startsWith('{') && text.endsWith('}');
      if (!isRight) this.#wrong += 1;
      this.#latencies.record((performance.now() - dueAt) * MICROS_PER_MS);
    } catch {
      this.#statuses['0'] = (this.#statuses['0'] ?? 0) + 1;
    }
  }
}

process.on('message', (order: ReadOrder) => {
  new Readers(order).run().then(
    (report) => tell({ type: 'read', report }),
    (error: unknown) => tell({ type: 'read', error: String(error) }),
  );
});
tell({ type: 'ready' });
