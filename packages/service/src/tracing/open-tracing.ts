import { tracingMetrics } from './tracing-metrics.ts';
import type { Tracing, TracingOptions } from './tracing.ts';

/** Opens tracing where a collector is named. Without one nothing is loaded, and no span is ever made. */
export async function openTracing(
  options: Omit<TracingOptions, 'endpoint'> & { readonly endpoint: string | undefined },
): Promise<Tracing | undefined> {
  // Shown as zero while tracing is off, so that a board says so instead of nothing.
  options.metrics.bind(tracingMetrics);
  const { endpoint } = options;
  if (endpoint === undefined) return undefined;
  const { otlpTracing } = await import('./otlp-tracing.ts');
  return otlpTracing({ ...options, endpoint });
}
