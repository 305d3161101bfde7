import type { CounterCell, GaugeCell } from '@macronode/metrics';
import { SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';
import type { ExportQueue } from './export-queue.ts';
import { TRACING_LIMITS } from './tracing-limits.ts';

/** A span without its strings, as kept on the heap, in bytes. */
const SPAN_BYTES = 256;

interface Held {
  spans: ReadableSpan[];
  bytes: number;
  /** Spans that have begun and not ended: the trace is let go with the last of them. */
  open: number;
  failed: boolean;
  /** Runs while a receive span waits for its handler, which may fail yet. */
  wait: NodeJS.Timeout | undefined;
}

export interface KeeperCounts {
  readonly held: GaugeCell;
  readonly spansPerTrace: CounterCell;
  readonly bytesPerTrace: CounterCell;
  readonly traces: CounterCell;
  readonly handlerWait: CounterCell;
}

/** Length of what a span carries, roughly in bytes. */
function bytesOf({ name, attributes }: ReadableSpan): number {
  let bytes = SPAN_BYTES + name.length;
  for (const [key, value] of Object.entries(attributes)) bytes += key.length + String(value).length;
  return bytes;
}

/** A receive span is over before its handler starts; every other span ends after those it led to in this service. */
const comesBeforeHandler = ({ attributes }: ReadableSpan): boolean =>
  attributes['messaging.operation.name'] === 'receive';

/**
 * Exports the spans of sampled traces, and those of an unsampled trace too once one of them fails in this service. Until the
 * last of its open spans ends, the spans of an unsampled trace are held, within bounds; a receive span until its handler starts.
 */
export class ErrorKeeper implements SpanProcessor {
  readonly #queue: ExportQueue;
  readonly #counts: KeeperCounts;
  readonly #traces = new Map<string, Held>();

  constructor(queue: ExportQueue, counts: KeeperCounts) {
    this.#queue = queue;
    this.#counts = counts;
  }

  onStart(span: ReadableSpan): void {
    const { traceId, traceFlags } = span.spanContext();
    if ((traceFlags & TraceFlags.SAMPLED) !== 0) return;
    const held = this.#traces.get(traceId);
    if (held !== undefined) {
      held.open += 1;
      clearTimeout(held.wait);
      held.wait = undefined;
      return;
    }
    if (this.#traces.size >= TRACING_LIMITS.heldTraces) this.#letGoOfOldest();
    this.#traces.set(traceId, { spans: [], bytes: 0, open: 1, failed: false, wait: undefined });
  }

  onEnd(span: ReadableSpan): void {
    const { traceId, traceFlags } = span.spanContext();
    if ((traceFlags & TraceFlags.SAMPLED) !== 0) {
      this.#queue.add(span);
      return;
    }
    const failed = span.status.code === SpanStatusCode.ERROR;
    const held = this.#traces.get(traceId);
    if (held === undefined) {
      // Let go at the bound of traces: what fails is exported, alone.
      if (failed) this.#queue.add(span);
      return;
    }
    held.open -= 1;
    held.failed ||= failed;
    if (held.failed) this.#export(held, span);
    else if (held.open > 0 || comesBeforeHandler(span)) this.#hold(held, span);
    if (held.open > 0) return;
    if (!held.failed && comesBeforeHandler(span)) this.#awaitHandler(traceId, held);
    else this.#forget(traceId, held);
  }

  forceFlush(): Promise<void> {
    return this.#queue.flush();
  }

  shutdown(): Promise<void> {
    return this.#queue.close();
  }

  #export(held: Held, span: ReadableSpan): void {
    for (const earlier of held.spans) this.#queue.add(earlier);
    this.#counts.held.dec(held.spans.length);
    held.spans = [];
    held.bytes = 0;
    this.#queue.add(span);
  }

  #hold(held: Held, span: ReadableSpan): void {
    const bytes = bytesOf(span);
    if (held.spans.length >= TRACING_LIMITS.heldSpansPerTrace) this.#counts.spansPerTrace.inc();
    else if (held.bytes + bytes > TRACING_LIMITS.heldBytesPerTrace) this.#counts.bytesPerTrace.inc();
    else {
      held.spans.push(span);
      held.bytes += bytes;
      this.#counts.held.inc();
    }
  }

  #awaitHandler(traceId: string, held: Held): void {
    held.wait = setTimeout(() => {
      this.#counts.handlerWait.inc(held.spans.length);
      this.#forget(traceId, held);
    }, TRACING_LIMITS.handlerWaitMs).unref();
  }

  #forget(traceId: string, held: Held): void {
    clearTimeout(held.wait);
    this.#traces.delete(traceId);
    this.#counts.held.dec(held.spans.length);
  }

  #letGoOfOldest(): void {
    const oldest = this.#traces.entries().next().value;
    if (oldest === undefined) return;
    this.#counts.traces.inc(Math.max(1, oldest[1].spans.length));
    this.#forget(...oldest);
  }
}
