import { counter, gauge } from '@macronode/metrics';

/** What became of the spans of a service. All zero while tracing is off. */
export const tracingMetrics = Object.freeze({
  exported: counter({ name: 'trace_spans_exported_total', help: 'Spans the collector took.' }),
  dropped: counter({
    name: 'trace_spans_dropped_total',
    help: 'Spans that were to be exported and were not: the export queue was full, or the collector did not take them.',
    labels: { reason: ['queue', 'export'] },
    zeroFill: true,
  }),
  held: gauge({
    name: 'trace_held_spans',
    help: 'Spans of unsampled requests, kept in case one of their trace fails.',
  }),
  overflowed: counter({
    name: 'trace_held_spans_dropped_total',
    help: 'Spans of unsampled requests let go at a bound of the buffer: they are missing if their request fails.',
    labels: { bound: ['spans_per_trace', 'bytes_per_trace', 'traces', 'handler_wait'] },
    zeroFill: true,
  }),
});
