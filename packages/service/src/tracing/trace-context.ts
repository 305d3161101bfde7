import { type Context, isSpanContextValid, ROOT_CONTEXT, type SpanContext, trace } from '@opentelemetry/api';
import { TraceState } from '@opentelemetry/core';

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/;
/** Our entry of tracestate: how many messages of the bus led here. */
const HOPS_KEY = 'macronode';

/** The span a traceparent names; undefined when it names none. */
export function spanContextOf(traceparent: string | undefined): SpanContext | undefined {
  const match = traceparent === undefined ? null : TRACEPARENT.exec(traceparent);
  if (match === null) return undefined;
  const [, traceId = '', spanId = '', flags = '00'] = match;
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
  return isSpanContextValid(context) ? context : undefined;
}

/** The context a child of `traceparent` starts in. */
export function parentContext(traceparent: string | undefined): Context {
  const parent = spanContextOf(traceparent);
  return parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
}

export function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${(traceFlags & 1) === 1 ? '01' : '00'}`;
}

/** Messages of the bus between the edge and the holder of this tracestate. */
export function hopsOf(tracestate: string | undefined): number {
  const hops = Number(tracestate === undefined ? 0 : (new TraceState(tracestate).get(HOPS_KEY) ?? 0));
  return Number.isSafeInteger(hops) && hops >= 0 ? hops : 0;
}

export function withHops(tracestate: string | undefined, hops: number): string {
  return new TraceState(tracestate).set(HOPS_KEY, String(hops)).serialize();
}
