// Scrapes a registry of 1,000 series, again and again, and measures how long the event loop has no turn meanwhile.
import { counter, MetricsRegistry } from '@macronode/metrics';
import { Counter, Registry } from 'prom-client';
import type { ScrapeReport } from './scrape-report.ts';

const SERIES = 1_000;
const FAMILIES = 20;
const WARM_UPS = 30;

const [runs = '9'] = process.argv.slice(2);
const kinds = Array.from({ length: SERIES / FAMILIES }, (_, at) => `kind_${at}`);
const ours = new MetricsRegistry();
const theirs = new Registry();
for (let family = 0; family < FAMILIES; family += 1) {
  const name = `bench_${family}_total`;
  const help = 'Of the benchmark.';
  const { m } = ours.scope({ service: 'bench' }).bind({ m: counter({ name, help, labels: { kind: kinds } }) });
  const metric = new Counter({ name, help, labelNames: ['service', 'kind'], registers: [theirs] });
  kinds.forEach((kind, at) => {
    m.inc({ kind }, at * 1_234.5);
    metric.inc({ service: 'bench', kind }, at * 1_234.5);
  });
}

interface Watched {
  readonly blockedMs: number;
  readonly totalMs: number;
}

/** The longest time without a turn of the event loop while `work` runs, and the time of all of it. */
async function watched(work: () => Promise<unknown>): Promise<Watched> {
  let blockedMs = 0;
  let last = performance.now();
  const look = (): void => {
    const now = performance.now();
    blockedMs = Math.max(blockedMs, now - last);
    last = now;
  };
  let next: NodeJS.Immediate | undefined;
  const turn = (): void => {
    look();
    next = setImmediate(turn);
  };
  await new Promise(setImmediate);
  const started = performance.now();
  last = started;
  next = setImmediate(turn);
  await work();
  const totalMs = performance.now() - started;
  look();
  clearImmediate(next);
  return { blockedMs, totalMs };
}

const own: Watched[] = [];
const whole: Watched[] = [];
for (let run = -WARM_UPS; run < Number(runs); run += 1) {
  const [a, b] = [await watched(() => ours.render()), await watched(() => theirs.metrics())];
  if (run < 0) continue;
  own.push(a);
  whole.push(b);
}
process.send?.({
  type: 'scraped',
  blockedMs: own.map(({ blockedMs }) => blockedMs),
  totalMs: own.map(({ totalMs }) => totalMs),
  wholeMs: whole.map(({ blockedMs }) => blockedMs),
} satisfies ScrapeReport);
process.disconnect();
