import type { ReceivedBatch } from '@macronode/bus';
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { expect, test } from 'vitest';
import { busSpans } from './bus-spans.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const [FIRST, SECOND] = ['00f067aa0ba902b7', '00f067aa0ba902b8'];

const frameOf = (spanId: string, corrId: string): ReceivedBatch['frames'][number] => ({
  route: undefined,
  corrId,
  traceparent: `00-${TRACE}-${spanId}-01`,
  tracestate: undefined,
  body: new Uint8Array(),
});

function received(frames: ReceivedBatch['frames'], attempt: number): ReadableSpan[] {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const hooks = busSpans(provider.getTracer('test'));
  hooks.onReceive?.({ kind: 'request', name: 'storage', lane: 'bulk', frames, ageMs: 3, attempt });
  return exporter.getFinishedSpans();
}

const linked = (span: ReadableSpan | undefined) => span?.links.map(({ context }) => context.spanId);

test('an entry of several frames is received once, with a link to whoever sent each', () => {
  const [span, ...rest] = received([frameOf(FIRST, 'a'), frameOf(SECOND, 'b')], 1);
  expect(rest).toEqual([]);
  expect(span?.name).toBe('receive storage');
  expect(linked(span)).toEqual([FIRST, SECOND]);
  expect(span?.parentSpanContext?.spanId).toBe(FIRST);
  expect(span?.attributes['messaging.batch.message_count']).toBe(2);
  expect(span?.attributes).not.toHaveProperty('corr_id');
});

test('an entry of one request has its correlation id', () => {
  const [span] = received([frameOf(FIRST, 'a'), frameOf(SECOND, 'a')], 1);
  expect(span?.attributes['corr_id']).toBe('a');
});

test('a second delivery is received with its attempt, and a first one of one frame has no span of its own', () => {
  const [span] = received([frameOf(FIRST, 'a')], 2);
  expect(linked(span)).toEqual([FIRST]);
  expect(span?.attributes).toMatchObject({ 'macronode.attempt': 2, corr_id: 'a' });
  expect(received([frameOf(FIRST, 'a')], 1)).toEqual([]);
});
