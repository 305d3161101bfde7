import { MetricsRegistry } from '@macronode/metrics';
import { ROOT_CONTEXT, type Span, SpanStatusCode, trace, type Tracer } from '@opentelemetry/api';
import {
  AlwaysOffSampler,
  createAlwaysRecordSampler,
  InMemorySpanExporter,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ErrorKeeper } from './error-keeper.ts';
import { TRACING_LIMITS } from './tracing-limits.ts';
import { ExportQueue } from './export-queue.ts';
import { tracingMetrics } from './tracing-metrics.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function keeping() {
  const m = new MetricsRegistry().scope({}).bind(tracingMetrics);
  const exporter = new InMemorySpanExporter();
  const queue = new ExportQueue(exporter, {
    exported: m.exported,
    droppedByQueue: m.dropped.cell({ reason: 'queue' }),
    droppedByExport: m.dropped.cell({ reason: 'export' }),
  });
  const handlerWait = m.overflowed.cell({ bound: 'handler_wait' });
  const keeper = new ErrorKeeper(queue, {
    held: m.held,
    spansPerTrace: m.overflowed.cell({ bound: 'spans_per_trace' }),
    bytesPerTrace: m.overflowed.cell({ bound: 'bytes_per_trace' }),
    traces: m.overflowed.cell({ bound: 'traces' }),
    handlerWait,
  });
  const sampler = createAlwaysRecordSampler(new AlwaysOffSampler());
  const tracer = new TracerProvider({ sampler, spanProcessors: [keeper] }).getTracer('test');
  const exported = async (): Promise<string[]> => {
    const flushed = keeper.forceFlush();
    // The exporter tells of its success by a timer.
    await vi.advanceTimersByTimeAsync(1);
    await flushed;
    return exporter.getFinishedSpans().map(({ name }) => name);
  };
  return { tracer, exported, held: () => m.held.value(), handlerWait };
}

const PARENT = trace.setSpanContext(ROOT_CONTEXT, {
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  spanId: '00f067aa0ba902b7',
  traceFlags: 0,
  isRemote: true,
});

const receive = (tracer: Tracer): void =>
  tracer.startSpan('receive', { attributes: { 'messaging.operation.name': 'receive' } }, PARENT).end();
const begin = (tracer: Tracer): Span => tracer.startSpan('process', {}, PARENT);

test('a receive span is kept with the handler that fails after it', async () => {
  const { tracer, exported, held, handlerWait } = keeping();
  receive(tracer);
  const handler = begin(tracer);
  vi.advanceTimersByTime(TRACING_LIMITS.handlerWaitMs * 2);
  handler.setStatus({ code: SpanStatusCode.ERROR }).end();
  expect(await exported()).toEqual(['receive', 'process']);
  expect(held()).toBe(0);
  expect(handlerWait.value()).toBe(0);
});

test('a receive span is let go with the handler that succeeds after it', async () => {
  const { tracer, exported, held } = keeping();
  receive(tracer);
  begin(tracer).end();
  expect(held()).toBe(0);
  expect(await exported()).toEqual([]);
});

test('a receive span whose handler never starts is let go after its wait, and counted', async () => {
  const { tracer, exported, held, handlerWait } = keeping();
  receive(tracer);
  vi.advanceTimersByTime(TRACING_LIMITS.handlerWaitMs - 1);
  expect(held()).toBe(1);
  vi.advanceTimersByTime(1);
  expect(held()).toBe(0);
  expect(handlerWait.value()).toBe(1);
  expect(await exported()).toEqual([]);
});
