import { once } from 'node:events';
import { LIMITS } from '@macronode/contracts';
import { counter, type HandlesOf, type MetricsScope } from '@macronode/metrics';
import { type DestinationStream, pino } from 'pino';
import { within } from './close-stack.ts';
import { createBareLogger, type Logger } from './logging.ts';

/** Lines are written in pieces of so many bytes, which a pipe takes whole: lines of others on it never cut them. */
const PIECE_BYTES = 4_096;
/** From here on a piece is written: about the next line would not fit. */
const FULL_BYTES = 3_840;
/** A line waits no longer than this for its piece to fill. */
const FLUSH_MS = 1_000;
/** A reader that takes nothing is not waited for longer at the end. */
const CLOSE_MS = 500;

export const accessLogMetrics = Object.freeze({
  dropped: counter({
    name: 'access_log_dropped_total',
    help: 'Lines of the access log that were lost: who reads them is slower than they come, or gone.',
  }),
});

/** Lines for a file descriptor that nobody waits for: bounded, and what does not fit is counted instead. */
export class AccessLines implements DestinationStream {
  readonly #sink;
  readonly #metrics: HandlesOf<typeof accessLogMetrics>;
  #gone = false;

  constructor(fd: number, metrics: HandlesOf<typeof accessLogMetrics>) {
    this.#metrics = metrics;
    this.#sink = pino.destination({
      dest: fd,
      sync: false,
      minLength: FULL_BYTES,
      maxWrite: PIECE_BYTES,
      maxLength: LIMITS.access_log_buffer_bytes.value,
      periodicFlush: FLUSH_MS,
    });
    this.#sink.on('drop', () => metrics.dropped.inc());
    // A full disk keeps what waits for the next try, within the bound. A reader that is gone does not come back.
    this.#sink.on('error', (error: NodeJS.ErrnoException) => (this.#gone ||= error.code === 'EPIPE'));
  }

  write(line: string): void {
    if (this.#gone) this.#metrics.dropped.inc();
    else this.#sink.write(line);
  }

  /** Writes what waits, and closes the descriptor unless it is stdout. What comes later is counted as lost. */
  async close(): Promise<void> {
    if (this.#gone) return;
    this.#gone = true;
    const closed = once(this.#sink, 'close');
    this.#sink.end();
    if (!(await within(CLOSE_MS, () => closed))) this.#sink.destroy();
  }
}

/** What is told of a request: never its URL, its headers or its sender, which may hold secrets. */
export interface FinishedRequest {
  readonly method: string;
  /** Route template. */
  readonly route: string;
  readonly status: number;
  /** Of the body sent; undefined when the answer broke off. */
  readonly bytes: number | undefined;
  readonly seconds: number;
  readonly corrId: string;
  /** Id of its trace, when sampled. */
  readonly trace: string | undefined;
}

/** One line per finished request, at level info. Parser refusals below HTTP have none: they are no requests. */
export class AccessLog {
  readonly #log: Logger;
  /** By method and route: what every line of theirs begins with is written once. */
  readonly #ofRoute = new Map<string, Logger>();

  constructor(log: Logger) {
    this.#log = log;
  }

  finished({ method, route, status, bytes, seconds, corrId, trace }: FinishedRequest): void {
    const key = `${method} ${route}`;
    let log = this.#ofRoute.get(key);
    if (log === undefined) this.#ofRoute.set(key, (log = this.#log.child({ method, route })));
    const duration_ms = Math.round(seconds * 1e6) / 1e3;
    log.info({ status, bytes, duration_ms, corr_id: corrId, trace_id: trace }, 'request');
  }
}

export interface AccessLogOptions {
  readonly bindings: Readonly<Record<string, string>>;
  readonly metrics: MetricsScope;
  /** Whether lines are asked for: by their setting, and by the level of the log. */
  readonly wanted: boolean;
  /** Where lines go: a stream, or a file descriptor, which is not waited for. */
  readonly to: DestinationStream | number;
}

/** Opens the access log of a public surface; `log` is undefined where no line is wanted. */
export function openAccessLog(options: AccessLogOptions): { log: AccessLog | undefined; close(): Promise<void> } {
  const { bindings, wanted, to } = options;
  const metrics = options.metrics.bind(accessLogMetrics);
  if (!wanted) return { log: undefined, close: () => Promise.resolve() };
  if (typeof to !== 'number')
    return { log: new AccessLog(createBareLogger(bindings, to)), close: () => Promise.resolve() };
  const lines = new AccessLines(to, metrics);
  return { log: new AccessLog(createBareLogger(bindings, lines)), close: () => lines.close() };
}
