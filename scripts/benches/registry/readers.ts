import { Child } from '../../measure/child.ts';
import { LatencyHistogram } from '../../measure/histogram.ts';
import type { ReaderMessage, ReadOrder, ReadReport } from './messages.ts';

const STRAGGLERS_MS = 60_000;
const MS_PER_SECOND = 1_000;
const MICROS_PER_MS = 1_000;

/** Readers in a process of their own, one order at a time. */
export class Readers implements AsyncDisposable {
  readonly #child: Child<ReaderMessage>;

  private constructor(child: Child<ReaderMessage>) {
    this.#child = child;
  }

  static async start(): Promise<Readers> {
    const child = new Child<ReaderMessage>(new URL('reader-process.ts', import.meta.url), []);
    await child.next('ready');
    return new Readers(child);
  }

  async read(order: ReadOrder): Promise<ReadReport> {
    const done = this.#child.next('read', order.ms + STRAGGLERS_MS);
    this.#child.send(order);
    const message = await done;
    if ('error' in message) throw new Error(`the readers stopped: ${message.error}`);
    return message.report;
  }

  /** Reads whose latencies count only when every one was answered rightly. Throws with what was not. */
  async readRightly(order: ReadOrder): Promise<ReadReport> {
    const report = await this.read(order);
    const errors = Object.entries(errorsOf(report)).map(([error, count]) => `${count} ${error}`);
    if (errors.length > 0)
      throw new Error(`of ${report.answered} reads of the ${order.read} not answered rightly: ${errors.join(', ')}`);
    return report;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stop();
  }
}

/** Right answers a second. */
export const rateOf = ({ answered, elapsedMs }: ReadReport): number => (answered / elapsedMs) * MS_PER_SECOND;

/** A percentile of right answers, in ms. */
export const latencyMs = ({ latencies }: ReadReport, share: number): number =>
  LatencyHistogram.from(latencies).quantile(share) / MICROS_PER_MS;

/** Requests that were not answered rightly, by status, as a benchmark shows errors. */
export function errorsOf({ statuses, wrong, dropped }: ReadReport): Readonly<Record<string, number>> {
  const bad = Object.entries(statuses).filter(([status]) => status !== '200' && status !== '304');
  const counted = [
    ...bad.map(([status, count]) => [status === '0' ? 'no answer' : status, count] as const),
    ['wrong', wrong] as const,
    ['never sent', dropped] as const,
  ];
  return Object.fromEntries(counted.filter(([, count]) => count > 0));
}
