import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  createAlwaysRecordSampler,
  ParentBasedSampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { backgroundSpans } from './background-spans.ts';
import { busSpans } from './bus-spans.ts';
import { ErrorKeeper } from './error-keeper.ts';
import { ExportQueue } from './export-queue.ts';
import { httpSpans } from './http-spans.ts';
import { tracingMetrics } from './tracing-metrics.ts';
import type { Tracing, TracingOptions } from './tracing.ts';
import { TRACING_LIMITS } from './tracing-limits.ts';

/** Tracing with `exporter`; that of `otlpTracing` sends to a collector. */
export function tracingWith(exporter: SpanExporter, options: Omit<TracingOptions, 'endpoint'>): Tracing {
  const { service, nodeId, version, metrics, ratio } = options;
  const m = metrics.bind(tracingMetrics);
  const queue = new ExportQueue(exporter, {
    exported: m.exported,
    droppedByQueue: m.dropped.cell({ reason: 'queue' }),
    droppedByExport: m.dropped.cell({ reason: 'export' }),
  });
  metrics.occupied(() => [queue.occupancy()]);
  const keeper = new ErrorKeeper(queue, {
    held: m.held,
    spansPerTrace: m.overflowed.cell({ bound: 'spans_per_trace' }),
    bytesPerTrace: m.overflowed.cell({ bound: 'bytes_per_trace' }),
    traces: m.overflowed.cell({ bound: 'traces' }),
    handlerWait: m.overflowed.cell({ bound: 'handler_wait' }),
  });
  const provider = new TracerProvider({
    // Unsampled spans are recorded too: whether their request fails is not known when they begin.
    sampler: createAlwaysRecordSampler(new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) })),
    spanLimits: {
      attributeCountLimit: TRACING_LIMITS.attributes,
      attributeValueLengthLimit: TRACING_LIMITS.attributeChars,
      eventCountLimit: TRACING_LIMITS.spanEvents,
    },
    resource: resourceFromAttributes({
      'service.name': service,
      'service.namespace': 'macronode',
      'service.instance.id': nodeId,
      'service.version': version,
    }),
    spanProcessors: [keeper],
  });
  const tracer = provider.getTracer('@macronode/service', version);
  return {
    busHooks: busSpans(tracer),
    http: httpSpans(tracer),
    background: backgroundSpans(tracer),
    flush: () => keeper.forceFlush(),
    close: () => keeper.shutdown().catch(() => undefined),
  };
}

/** Tracing towards an OTLP collector. */
export function otlpTracing({ endpoint, ...options }: TracingOptions): Tracing {
  const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`;
  return tracingWith(new OTLPTraceExporter({ url, timeoutMillis: TRACING_LIMITS.exportTimeoutMs }), options);
}
