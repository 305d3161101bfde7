import { Counter, Histogram } from 'prom-client';
import type { CountingCase } from './counting-case.ts';
import { BUCKETS_5 } from './declared.ts';

const counter = <L extends string>(...labelNames: L[]): Counter<L> =>
  new Counter({ name: 'bench_total', help: 'Of the benchmark.', labelNames, registers: [] });

/** The sum of all series: each case has one. */
async function total(metric: Pick<Counter, 'get'>): Promise<number> {
  const { values } = await metric.get();
  return values.reduce((sum, { value }) => sum + value, 0);
}

/** The same things counted with prom-client. */
export const PROM_CLIENT_CASES: readonly CountingCase[] = [
  {
    name: 'prom_client',
    operations: 20_000_000,
    make: () => {
      const metric = counter();
      return { once: () => metric.inc(), counted: () => total(metric) };
    },
  },
  {
    name: 'prom_client_1_label',
    operations: 2_000_000,
    make: () => {
      const metric = counter('reason');
      return { once: () => metric.inc({ reason: 'stale' }), counted: () => total(metric) };
    },
  },
  {
    name: 'prom_client_held',
    operations: 2_000_000,
    make: () => {
      const metric = counter('reason');
      const held = metric.labels({ reason: 'stale' });
      return { once: () => held.inc(), counted: () => total(metric) };
    },
  },
  {
    name: 'prom_client_3_labels',
    operations: 1_000_000,
    make: () => {
      const metric = counter('reason', 'method', 'code');
      return {
        once: () => metric.inc({ reason: 'stale', method: 'PUT', code: '503' }),
        counted: () => total(metric),
      };
    },
  },
  {
    name: 'prom_client_histogram_5',
    operations: 1_000_000,
    make: () => {
      const metric = new Histogram({
        name: 'bench_seconds',
        help: 'Of the benchmark.',
        buckets: BUCKETS_5,
        registers: [],
      });
      const counted = async (): Promise<number> => {
        const { values } = await metric.get();
        return values.find(({ metricName }) => metricName === 'bench_seconds_count')?.value ?? NaN;
      };
      return { once: (seconds) => metric.observe(seconds), counted };
    },
  },
];
