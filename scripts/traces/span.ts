// Spans as the collector's file exporter writes them (OTLP JSON, a message a line), and what people and checks read of them.
import { z } from 'zod';

const Attributes = z
  .array(z.object({ key: z.string(), value: z.record(z.string(), z.unknown()) }))
  .default([])
  .transform((list) => Object.fromEntries(list.map(({ key, value }) => [key, String(Object.values(value)[0])])));

const ExportedSpan = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().default(''),
  name: z.string(),
  kind: z.int(),
  startTimeUnixNano: z.string().transform(BigInt),
  endTimeUnixNano: z.string().transform(BigInt),
  attributes: Attributes,
  links: z.array(z.object({ traceId: z.string(), spanId: z.string() })).default([]),
  status: z.object({ code: z.int().default(0) }).default({ code: 0 }),
});

const Message = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: Attributes }),
      scopeSpans: z.array(z.object({ spans: z.array(ExportedSpan) })),
    }),
  ),
});

/** A finished span and the service that made it. */
export type Span = z.infer<typeof ExportedSpan> & { readonly service: string };

const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];
const FAILED = 2;
const NANOS_PER_MICRO = 1_000n;

export function spansOf(lines: string): readonly Span[] {
  return lines
    .split('\n')
    .filter(Boolean)
    .flatMap((line) => Message.parse(JSON.parse(line)).resourceSpans)
    .flatMap(({ resource, scopeSpans }) =>
      scopeSpans
        .flatMap(({ spans }) => spans)
        .map((span) => ({ ...span, service: resource.attributes['service.name'] ?? '' })),
    );
}

/** Everything of the trace of a request, earliest first. */
export function traceOf(spans: readonly Span[], corrId: string): readonly Span[] {
  const traces = new Set(spans.filter(({ attributes }) => attributes['corr_id'] === corrId).map((one) => one.traceId));
  return spans
    .filter(({ traceId }) => traces.has(traceId))
    .sort((a, b) => Number(a.startTimeUnixNano - b.startTimeUnixNano));
}

/** `service: name (kind, hops, failed, links)`. */
export function titleOf({ service, name, kind, attributes, status, links }: Span): string {
  const hops = attributes['macronode.hops'];
  const facts = [
    KINDS[kind] ?? `kind ${kind}`,
    ...(hops === undefined ? [] : [`hop ${hops}`]),
    ...(status.code === FAILED ? [`failed: ${attributes['error.type'] ?? 'no error.type'}`] : []),
    ...(links.length === 0 ? [] : [`${links.length} links`]),
  ];
  return `${service}: ${name} (${facts.join(', ')})`;
}

/** Spans without a parent among these: the root, and what hangs from a span that was not exported. */
export function treeOf(trace: readonly Span[]): readonly { readonly span: Span; readonly depth: number }[] {
  const ids = new Set(trace.map(({ spanId }) => spanId));
  const below = (parent: Span, depth: number): { span: Span; depth: number }[] => [
    { span: parent, depth },
    ...trace.filter(({ parentSpanId }) => parentSpanId === parent.spanId).flatMap((child) => below(child, depth + 1)),
  ];
  return trace.filter(({ parentSpanId }) => !ids.has(parentSpanId)).flatMap((top) => below(top, 0));
}

/** A trace for people: a line a span, with when it began and how long it took. */
export function drawn(trace: readonly Span[]): string {
  const first = trace[0]?.startTimeUnixNano ?? 0n;
  const ms = (nanos: bigint): string => (Number(nanos / NANOS_PER_MICRO) / 1_000).toFixed(1).padStart(8);
  return treeOf(trace)
    .map(({ span, depth }) => {
      const [from, took] = [span.startTimeUnixNano - first, span.endTimeUnixNano - span.startTimeUnixNano];
      return `${ms(from)} ms ${ms(took)} ms  ${'  '.repeat(depth)}${titleOf(span)}`;
    })
    .join('\n');
}
