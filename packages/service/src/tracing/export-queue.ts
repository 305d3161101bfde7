import type { CounterCell } from '@macronode/metrics';
import { ExportResultCode } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';

/** Spans that wait for export, at most: about 2 MB, and several seconds of a busy service at the default ratio. */
export const QUEUE_SPANS = 2_048;
/** Spans of one export: a message of some 200 KB. */
const BATCH_SPANS = 256;
/** How long a span waits for others to share its export, in ms. */
const EXPORT_INTERVAL_MS = 1_000;

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

  constructor(exporter: SpanExporter, counts: ExportCounts) {
    this.#exporter = exporter;
    this.#counts = counts;
  }

  add(span: ReadableSpan): void {
    if (this.#waiting.length >= QUEUE_SPANS) {
      this.#counts.droppedByQueue.inc();
      return;
    }
    this.#waiting.push(span);
    if (this.#waiting.length >= BATCH_SPANS) void this.flush();
    else this.#timer ??= setTimeout(() => void this.flush(), EXPORT_INTERVAL_MS).unref();
  }

  /** Sends all that waits. Never rejects: what the collector does not take is counted. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return (this.#sending ??= this.#drain().finally(() => {
      this.#sending = undefined;
    }));
  }

  async close(): Promise<void> {
    await this.flush();
    await this.#exporter.shutdown();
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH_SPANS);
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
