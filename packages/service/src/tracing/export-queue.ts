import type { CounterCell, Occupancy } from '@macronode/metrics';
import { ExportResultCode, hrTimeToMilliseconds } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { TRACING_LIMITS } from './tracing-limits.ts';

export interface ExportCounts {
  readonly exported: CounterCell;
  readonly droppedByQueue: CounterCell;
  readonly droppedByExport: CounterCell;
}

/** Spans on their way to the collector: bounded, one export at a time, and never in the way of a request. */
export class ExportQueue {
  readonly #exporter: SpanExporter;
  readonly #counts: ExportCounts;
  #waiting: ReadableSpan[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #closed = false;

  constructor(exporter: SpanExporter, counts: ExportCounts) {
    this.#exporter = exporter;
    this.#counts = counts;
  }

  /** Spans in line, the oldest by when it ended. */
  occupancy(): Occupancy {
    const [first] = this.#waiting;
    const oldestMs = first && Date.now() - hrTimeToMilliseconds(first.endTime);
    const [held, bound] = [this.#waiting.length, TRACING_LIMITS.queueSpans];
    return { kind: 'queue', name: 'span export', held, bound, oldestMs };
  }

  add(span: ReadableSpan): void {
    if (this.#closed) {
      this.#counts.droppedByExport.inc();
      return;
    }
    if (this.#waiting.length >= TRACING_LIMITS.queueSpans) {
      this.#counts.droppedByQueue.inc();
      return;
    }
    this.#waiting.push(span);
    if (this.#waiting.length >= TRACING_LIMITS.batchSpans) void this.flush();
    else this.#timer ??= setTimeout(() => void this.flush(), TRACING_LIMITS.exportIntervalMs).unref();
  }

  /** Sends all that waits. Never rejects: what the collector does not take is counted. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return (this.#sending ??= this.#drain().finally(() => {
      this.#sending = undefined;
    }));
  }

  /** Sends what waits for as long as the last flush may take; the rest is counted as dropped. */
  async close(): Promise<void> {
    await this.#withinClose(this.flush());
    this.#closed = true;
    this.#counts.droppedByExport.inc(this.#waiting.length);
    this.#waiting = [];
    // The exporter waits for an export under way, which has a time limit of its own.
    if (this.#sending === undefined) await this.#exporter.shutdown();
    else void this.#exporter.shutdown().catch(() => undefined);
  }

  async #withinClose(flushed: Promise<void>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const expired = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, TRACING_LIMITS.closeTimeoutMs);
    });
    await Promise.race([flushed, expired]);
    clearTimeout(timer);
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, TRACING_LIMITS.batchSpans);
      const taken = await this.#send(batch);
      (taken ? this.#counts.exported : this.#counts.droppedByExport).inc(batch.length);
    }
  }

  #send(batch: ReadableSpan[]): Promise<boolean> {
    return new Promise((resolve) => {
      try {
        this.#exporter.export(batch, ({ code }) => resolve(code === ExportResultCode.SUCCESS));
      } catch {
        resolve(false);
      }
    });
  }
}
