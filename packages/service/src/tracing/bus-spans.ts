import type { BusHooks, ReceivedBatch } from '@macronode/bus';
import { type Span, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api';
import { mapError } from '../map-error.ts';
import { hopsOf, parentContext, spanContextOf, traceparentOf, withHops } from './trace-context.ts';
import { TRACING_LIMITS } from './tracing-limits.ts';

const SYSTEM = { 'messaging.system': 'macronode' };

/** Ends a span with what the error table calls the error; only what is not the caller's own fault is a failure. */
function endSpan(span: Span, error: unknown): void {
  if (error !== undefined) {
    const { code, status } = mapError(error);
    span.setAttribute('error.type', code);
    if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR, message: code });
  }
  span.end();
}

/** The correlation id that all of these frames have; undefined where they differ. */
function sharedCorrId(frames: ReceivedBatch['frames']): string | undefined {
  const corrId = frames[0]?.corrId;
  return frames.every((frame) => frame.corrId === corrId) ? corrId : undefined;
}

/**
 * Spans of everything that passes through a bus: `send`, `forward` and `publish` by whoever sends, `process` by whoever handles,
 * and `receive` for an entry of several frames or a second delivery, linked to whoever sent each frame.
 */
export function busSpans(tracer: Tracer): BusHooks {
  return {
    onSend({ kind, subject, service, corrId, traceparent, tracestate, bytes, deadlineMs }) {
      const verb = kind === 'request' ? 'send' : kind === 'forward' ? 'forward' : 'publish';
      const hops = hopsOf(tracestate) + 1;
      const span = tracer.startSpan(
        `${verb} ${subject}`,
        {
          kind: kind === 'request' ? SpanKind.CLIENT : SpanKind.PRODUCER,
          attributes: {
            ...SYSTEM,
            'messaging.operation.name': verb,
            'messaging.destination.name': subject,
            'messaging.message.body.size': bytes,
            'macronode.kind': kind,
            'macronode.service': service,
            'macronode.hops': hops,
            corr_id: corrId,
            ...(deadlineMs !== undefined && { 'macronode.deadline_ms': Math.round(deadlineMs) }),
          },
        },
        parentContext(traceparent),
      );
      return {
        traceparent: traceparentOf(span.spanContext()),
        tracestate: withHops(tracestate, hops),
        end: (error) => endSpan(span, error),
      };
    },
    onReceive({ kind, name, lane, frames, ageMs, attempt }) {
      if (frames.length < 2 && attempt < 2) return;
      const contexts = frames
        .map(({ traceparent }) => spanContextOf(traceparent))
        .filter((found) => found !== undefined);
      const [first] = contexts;
      if (first === undefined) return;
      const corrId = sharedCorrId(frames);
      tracer
        .startSpan(
          `receive ${name}`,
          {
            kind: SpanKind.CONSUMER,
            links: contexts.slice(0, TRACING_LIMITS.links).map((context) => ({ context })),
            attributes: {
              ...SYSTEM,
              'messaging.operation.name': 'receive',
              'messaging.batch.message_count': frames.length,
              'macronode.kind': kind,
              'macronode.lane': lane,
              'macronode.age_ms': ageMs,
              'macronode.attempt': attempt,
              ...(corrId !== undefined && { corr_id: corrId }),
            },
          },
          parentContext(traceparentOf(first)),
        )
        .end();
    },
    onHandle(context, { kind, service, bytes, queueMs }) {
      const { traceparent, tracestate, attempt, subject, corrId } = context;
      const span = tracer.startSpan(
        `process ${subject}`,
        {
          kind: kind === 'request' ? SpanKind.SERVER : SpanKind.CONSUMER,
          attributes: {
            ...SYSTEM,
            'messaging.operation.name': 'process',
            'messaging.destination.name': subject,
            'messaging.message.body.size': bytes,
            'macronode.kind': kind,
            'macronode.service': service,
            'macronode.queue_ms': queueMs,
            'macronode.attempt': attempt,
            'macronode.hops': hopsOf(tracestate),
            corr_id: corrId,
          },
        },
        parentContext(traceparent),
      );
      return {
        traceparent: traceparentOf(span.spanContext()),
        tracestate,
        end: (error) => endSpan(span, error),
      };
    },
  };
}
