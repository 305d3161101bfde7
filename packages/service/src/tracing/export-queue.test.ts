import { MetricsRegistry } from '@macronode/metrics';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ExportQueue } from './export-queue.ts';
import { TRACING_LIMITS } from './tracing-limits.ts';
import { tracingMetrics } from './tracing-metrics.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function finishedSpan() {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  provider.getTracer('test').startSpan('a span').end();
  const [span] = exporter.getFinishedSpans();
  if (span === undefined) throw new Error('the span did not end');
  return span;
}

test('a collector that hangs holds the close up for one deadline, and what it did not take is counted', async () => {
  const metrics = new MetricsRegistry();
  const m = metrics.scope({ service: 'index' }).bind(tracingMetrics);
  const hanging: SpanExporter = { export: () => undefined, shutdown: () => new Promise<void>(() => undefined) };
  const queue = new ExportQueue(hanging, {
    exported: m.exported,
    droppedByQueue: m.dropped.cell({ reason: 'queue' }),
    droppedByExport: m.dropped.cell({ reason: 'export' }),
  });
  const span = finishedSpan();
  for (let added = 0; added < 1_000; added += 1) queue.add(span);
  let closed = false;
  const closing = queue.close().then(() => {
    closed = true;
  });
  await vi.advanceTimersByTimeAsync(TRACING_LIMITS.closeTimeoutMs);
  expect(closed).toBe(true);
  await closing;
  queue.add(span);
  const page = await metrics.render();
  // One batch of 256 is with the collector still: its own time limit counts it.
  expect(page).toContain('trace_spans_dropped_total{service="index",reason="export"} 745');
});
