import { type Attributes, type HrTime, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api';

/** Work that no request asked for, told when it is over: it may have run in another thread. */
export interface BackgroundSpan {
  readonly name: string;
  /** In ms since 1970. */
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly attributes: Attributes;
  /** What happened meanwhile; a span keeps the last `TRACING_LIMITS.spanEvents` of them. */
  readonly events?: readonly { readonly name: string; readonly atMs: number; readonly attributes: Attributes }[];
  /** Why it failed; undefined when it did not. */
  readonly failure?: string | undefined;
}

/** Makes a span of finished work: the root of a trace of its own, sampled as requests are. */
export type BackgroundSpans = (work: BackgroundSpan) => void;

/** A bare number could be taken for one of the monotonic clock. */
function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * 1_000_000)];
}

export function backgroundSpans(tracer: Tracer): BackgroundSpans {
  return ({ name, startedAtMs, endedAtMs, attributes, events = [], failure }) => {
    const span = tracer.startSpan(name, {
      kind: SpanKind.INTERNAL,
      root: true,
      startTime: hrTime(startedAtMs),
      attributes,
    });
    for (const event of events) span.addEvent(event.name, event.attributes, hrTime(event.atMs));
    if (failure !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
    span.end(hrTime(endedAtMs));
  };
}
