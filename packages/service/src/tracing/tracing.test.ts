import { Bus, type BusSubject, InProcessLink } from '@macronode/bus';
import { ServiceError } from '@macronode/contracts';
import { MetricsRegistry } from '@macronode/metrics';
import { SpanKind } from '@opentelemetry/api';
import { ExportResultCode } from '@opentelemetry/core';
import { InMemorySpanExporter, type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ExportQueue } from './export-queue.ts';
import { TRACING_LIMITS } from './tracing-limits.ts';
import { tracingWith } from './otlp-tracing.ts';
import { tracingMetrics } from './tracing-metrics.ts';
import { openTracing } from './open-tracing.ts';
import type { Tracing } from './tracing.ts';

const subjectOf = (service: 'omnigate' | 'storage'): BusSubject<number, string> => ({
  name: `${service}.object.read`,
  service,
  request: z.number(),
  reply: z.string(),
  stream: 'none',
  idempotent: true,
  deadlineMs: 5_000,
});
const OMNIGATE = subjectOf('omnigate');
const STORAGE = subjectOf('storage');

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Traced {
  readonly metrics: MetricsRegistry;
  readonly exporter: InMemorySpanExporter;
  readonly tracings: readonly Tracing[];
  readonly edge: Tracing;
  readonly gateway: Bus;
}

/** The way of a read through three services on one link: each has tracing of its own, as in three processes. */
async function traced(ratio: number, answer: () => string): Promise<Traced> {
  const metrics = new MetricsRegistry();
  const link = new InProcessLink({ metrics: metrics.scope({ service: 'test' }) });
  closing.push(() => link.close());
  const exporter = new InMemorySpanExporter();
  const service = (name: string): { tracing: Tracing; bus: Bus } => {
    const scope = metrics.scope({ service: name });
    const tracing = tracingWith(exporter, { service: name, nodeId: 'n', version: '1', metrics: scope, ratio });
    const bus = new Bus({ service: name, link, metrics: scope, hooks: tracing.busHooks });
    closing.push(() => bus.close());
    return { tracing, bus };
  };
  const [gateway, omnigate, storage] = [service('gateway'), service('omnigate'), service('storage')];
  omnigate.bus.serve(OMNIGATE.name, (payload, ctx) => ctx.forward(STORAGE, Number(payload)));
  storage.bus.serve(STORAGE.name, answer);
  await link.start();
  for (const { bus } of [storage, omnigate, gateway]) await bus.start();
  const tracings = [gateway, omnigate, storage].map(({ tracing }) => tracing);
  return { metrics, exporter, tracings, edge: gateway.tracing, gateway: gateway.bus };
}

/** Sends one request as the gateway does, and answers every span that was exported of it, from the edge inwards. */
async function read({ exporter, tracings, edge, gateway }: Traced, traceparent?: string): Promise<ReadableSpan[]> {
  const span = edge.http({ method: 'GET', route: '/o/{id}', path: '/o/1', corrId: 'corr', traceparent });
  const status = await gateway.call(OMNIGATE, 1, { corrId: 'corr', traceparent: span.traceparent }).then(
    () => 200,
    () => 500,
  );
  span.end(status);
  const [, omnigate, storage] = tracings;
  // A forward ends with its append, which may be told after the answer: the bus is closed, so that all ends are in.
  for (const close of closing.splice(1).reverse()) await close();
  for (const tracing of [edge, omnigate, storage]) await tracing?.flush();
  return exporter.getFinishedSpans();
}

/** The chain of parents, by name. */
function chain(spans: readonly ReadableSpan[]): string[] {
  const names: string[] = [];
  let at = spans.find(({ kind, name }) => kind === SpanKind.SERVER && name.startsWith('GET'));
  while (at !== undefined) {
    const { spanId } = at.spanContext();
    names.push(`${String(at.resource.attributes['service.name'])}: ${at.name}`);
    at = spans.find(({ parentSpanContext }) => parentSpanContext?.spanId === spanId);
  }
  return names;
}

const WHOLE = [
  'gateway: GET /o/{id}',
  'gateway: send omnigate.object.read',
  'omnigate: process omnigate.object.read',
  'omnigate: forward storage.object.read',
  'storage: process storage.object.read',
];

describe('traces', () => {
  it('go from the edge through every service as one chain of parents', async () => {
    const spans = await read(await traced(1, () => 'bytes'));
    expect(chain(spans)).toEqual(WHOLE);
    expect(spans).toHaveLength(WHOLE.length);
    expect(new Set(spans.map((span) => span.attributes['corr_id']))).toEqual(new Set(['corr']));
    const hops = spans.map((span) => span.attributes['macronode.hops']).filter((count) => count !== undefined);
    expect(hops.map(Number).sort()).toEqual([1, 1, 2, 2]);
  });

  it('are not exported of an unsampled request that succeeds', async () => {
    expect(await read(await traced(0, () => 'bytes'))).toEqual([]);
  });

  it('follow the caller in what is sampled', async () => {
    const spans = await read(await traced(0, () => 'bytes'), '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01');
    expect(chain(spans)).toEqual(WHOLE);
    expect(spans.every((span) => span.spanContext().traceId === '4bf92f3577b34da6a3ce929d0e0e4736')).toBe(true);
  });

  it.each([1, 0])('are shown beside the times of calls and handlers when they are sampled: ratio %d', async (ratio) => {
    const world = await traced(ratio, () => 'bytes');
    await read(world);
    const exemplars = (await world.metrics.render('openmetrics')).match(/^bus_\w+_seconds_bucket.*trace_id/gm) ?? [];
    const names = exemplars.map((line) => line.slice(0, line.indexOf('_bucket')));
    const timed = ['bus_handler_seconds', 'bus_handler_seconds', 'bus_request_seconds'];
    expect(names.sort()).toEqual(ratio === 1 ? timed : []);
  });

  it('are exported of an unsampled request that fails, by every service that saw it fail', async () => {
    const spans = await read(
      await traced(0, () => {
        throw new ServiceError('internal');
      }),
    );
    const failed = spans.filter(({ attributes }) => attributes['error.type'] !== undefined).map(({ name }) => name);
    expect(failed.sort()).toEqual(['GET /o/{id}', 'process storage.object.read', 'send omnigate.object.read']);
  });

  it('need no collector, and load nothing, when none is named', async () => {
    const metrics = new MetricsRegistry().scope({ service: 'gateway' });
    const options = { service: 'gateway', nodeId: 'n', version: '1', metrics, ratio: 1, endpoint: undefined };
    expect(await openTracing(options)).toBeUndefined();
  });
});

describe('an export queue', () => {
  const bound = () => new MetricsRegistry().scope({}).bind(tracingMetrics);

  it('drops and counts what a collector that hangs or refuses does not take', async () => {
    const m = bound();
    const answers: ((taken: boolean) => void)[] = [];
    const exporter: SpanExporter = {
      export: (_spans, done) => {
        answers.push((taken) => done({ code: taken ? ExportResultCode.SUCCESS : ExportResultCode.FAILED }));
      },
      shutdown: () => Promise.resolve(),
    };
    const [droppedByQueue, droppedByExport] = [
      m.dropped.cell({ reason: 'queue' }),
      m.dropped.cell({ reason: 'export' }),
    ];
    const queue = new ExportQueue(exporter, { exported: m.exported, droppedByQueue, droppedByExport });
    for (let n = 0; n < TRACING_LIMITS.queueSpans * 2; n += 1) queue.add({} as ReadableSpan);
    // The first batch is with the collector; the queue is full behind it.
    const sent = TRACING_LIMITS.queueSpans * 2 - TRACING_LIMITS.queueSpans - droppedByQueue.value();
    expect(droppedByQueue.value()).toBe(TRACING_LIMITS.queueSpans - sent);
    expect(sent).toBeGreaterThan(0);
    answers.shift()?.(false);
    await Promise.resolve();
    expect(droppedByExport.value()).toBe(sent);
  });
});

describe('work that no request asked for', () => {
  it('is a trace of its own, with the times and the events it is told with', async () => {
    const { exporter, edge } = await traced(1, () => 'bytes');
    edge.background({
      name: 'round',
      startedAtMs: 1_000,
      endedAtMs: 1_250,
      attributes: { peers: 3 },
      events: [{ name: 'claim', atMs: 1_100, attributes: { outcome: 'merged' } }],
    });
    edge.background({ name: 'round', startedAtMs: 2_000, endedAtMs: 2_001, attributes: {}, failure: 'timeout' });
    await edge.flush();
    const [first, second] = exporter.getFinishedSpans();
    expect(first).toMatchObject({ name: 'round', kind: SpanKind.INTERNAL, attributes: { peers: 3 } });
    expect([first?.startTime, first?.endTime]).toEqual([
      [1, 0],
      [1, 250_000_000],
    ]);
    expect(first?.parentSpanContext).toBeUndefined();
    expect(first?.events).toMatchObject([{ name: 'claim', time: [1, 100_000_000], attributes: { outcome: 'merged' } }]);
    expect(second?.status).toMatchObject({ message: 'timeout' });
    expect(second?.spanContext().traceId).not.toBe(first?.spanContext().traceId);
  });

  it('keeps so many of its events, the last ones', async () => {
    const { exporter, edge } = await traced(1, () => 'bytes');
    const events = Array.from({ length: TRACING_LIMITS.spanEvents + 2 }, (_, n) => {
      return { name: `e${n}`, atMs: n, attributes: {} };
    });
    edge.background({ name: 'round', startedAtMs: 0, endedAtMs: 9, attributes: {}, events });
    await edge.flush();
    const [span] = exporter.getFinishedSpans();
    expect(span?.events).toHaveLength(TRACING_LIMITS.spanEvents);
    expect(span?.events.at(-1)?.name).toBe(events.at(-1)?.name);
    expect(span?.droppedEventsCount).toBe(2);
  });
});
