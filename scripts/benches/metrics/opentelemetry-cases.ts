import { DataPointType, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import type { Counting, CountingCase } from './counting-case.ts';

type Counter = ReturnType<ReturnType<MeterProvider['getMeter']>['createCounter']>;

/** Reads when it is asked to, as an exporter for Prometheus does. Without a reader the SDK counts nothing. */
class ReaderOnDemand extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

function counting(onceOf: (counter: Counter) => () => void): Counting {
  const reader = new ReaderOnDemand();
  const counter = new MeterProvider({ readers: [reader] }).getMeter('bench').createCounter('bench');
  const counted = async (): Promise<number> => {
    const { resourceMetrics } = await reader.collect();
    const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
    const sums = metrics.filter((metric) => metric.dataPointType === DataPointType.SUM);
    return sums.flatMap(({ dataPoints }) => dataPoints).reduce((sum, { value }) => sum + value, 0);
  };
  return { once: onceOf(counter), counted };
}

/** The same counted with the SDK of OpenTelemetry. */
export const OPENTELEMETRY_CASES: readonly CountingCase[] = [
  { name: 'opentelemetry', operations: 2_000_000, make: () => counting((counter) => () => counter.add(1)) },
  {
    name: 'opentelemetry_1_attribute',
    operations: 500_000,
    make: () => counting((counter) => () => counter.add(1, { reason: 'stale' })),
  },
];
