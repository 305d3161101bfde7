import type { ReadableStreamDefaultReader } from 'node:stream/web';
import { setTimeout as pause } from 'node:timers/promises';

interface Unread extends ErrorOptions {
  readonly status?: number | undefined;
  readonly version?: number;
}

/** Thrown when the node cannot be read: it is not there, does not answer, or answers that it cannot. */
export class SourceFailed extends Error {
  override readonly name = 'SourceFailed';
  /** Undefined when there was no answer. */
  readonly status: number | undefined;
  /** The first version that could not be read, when that is known. */
  readonly version: number | undefined;

  constructor(message: string, { status, version, cause }: Unread = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.status = status;
    this.version = version;
  }
}

/** Thrown when an answer came whole and is no text in lines: whoever asked knows which line it is. */
export class LinesMalformed extends Error {
  override readonly name = 'LinesMalformed';
}

export interface HttpSourceOptions {
  /** Base address without a trailing slash. */
  readonly url: string;
  readonly token?: string;
  /** Milliseconds without a byte after which a request is given up. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Told before a wait for a node that asks for one. */
  readonly onWait?: (waitMs: number, why: string) => void;
}

export interface Fetched {
  readonly status: number;
  readonly etag: string | null;
  readonly body: Buffer;
}

interface Opened {
  readonly status: number;
  readonly etag: string | null;
  readonly chunks: AsyncIterable<Uint8Array>;
  /** For who will not read the chunks: reading them closes by itself. */
  readonly close: () => void;
}

/** The largest answer read whole: an entry bundle has 256 entries of 64 KiB. */
const BODY_BYTES_MAX = 32 * 1024 * 1024;
/** The longest line: an entry has at most a leaf of 64 KiB and a payload of 960. */
const LINE_BYTES_MAX = 4 * 1024 * 1024;
const ATTEMPTS = 6;
const RETRY_MS = 500;
/** The longest wait a node may ask for: it is not to hold a verdict up for as long as it likes. */
const RETRY_MS_MAX = 30_000;
const LINE_FEED = 10;
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The node as it answers GET: all that a verification ever asks. */
export class HttpSource {
  readonly #options: HttpSourceOptions;
  #bytes = 0;

  constructor(options: HttpSourceOptions) {
    this.#options = options;
  }

  get url(): string {
    return this.#options.url;
  }

  /** Bytes of bodies so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * A whole answer. Statuses of 400 to 499 are for the caller to judge: something that is not there is a finding. Those
   * that ask for a token are not: they say nothing of the log.
   */
  async get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Fetched> {
    const { status, etag, chunks } = await this.#open(path, headers);
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of chunks) {
      size += chunk.byteLength;
      if (size > BODY_BYTES_MAX) throw new SourceFailed(`GET ${path} answered over ${BODY_BYTES_MAX} bytes`);
      parts.push(chunk);
    }
    return { status, etag, body: Buffer.concat(parts) };
  }

  /** The text of an answer that must be there. */
  async text(path: string): Promise<string> {
    const { status, body } = await this.get(path);
    if (status !== 200) throw unexpected(path, status);
    return body.toString('utf8');
  }

  /** The lines of an answer, as they come: every line before one that is no text. */
  async *lines(path: string): AsyncGenerator<string> {
    const { status, chunks, close } = await this.#open(path, {});
    if (status !== 200) {
      close();
      throw unexpected(path, status);
    }
    let held: Uint8Array[] = [];
    let heldBytes = 0;
    for await (const chunk of chunks) {
      let start = 0;
      for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
        yield decoded(Buffer.concat([...held, chunk.subarray(start, end)]));
        held = [];
        heldBytes = 0;
        start = end + 1;
      }
      held.push(chunk.subarray(start));
      heldBytes += chunk.byteLength - start;
      if (heldBytes > LINE_BYTES_MAX) throw new LinesMalformed(`its line is over ${LINE_BYTES_MAX} bytes`);
    }
    if (heldBytes > 0) throw new LinesMalformed('the answer ends in the middle of its line');
  }

  async #open(path: string, headers: Readonly<Record<string, string>>): Promise<Opened> {
    const { token } = this.#options;
    const own = {
      // A gateway that compresses tags what it compressed.
      'accept-encoding': 'identity',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
    for (let attempt = 1; ; attempt += 1) {
      const exchange = new Exchange(this.#options);
      const response = await this.#answerOf(path, { ...headers, ...own }, exchange);
      const { status } = response;
      if (status < 500 && status !== 429 && status !== 401 && status !== 403) {
        const close = (): void => exchange.close();
        return { status, etag: response.headers.get('etag'), chunks: this.#chunks(path, response, exchange), close };
      }
      exchange.close();
      if (attempt === ATTEMPTS || (status !== 503 && status !== 429)) throw unexpected(path, status);
      const asked = Number(response.headers.get('retry-after')) * 1_000;
      const waitMs = asked > 0 ? Math.min(asked, RETRY_MS_MAX) : RETRY_MS;
      this.#options.onWait?.(waitMs, `GET ${path} answered ${status}`);
      await pause(waitMs, undefined, { signal: this.#options.signal });
    }
  }

  async #answerOf(path: string, headers: Readonly<Record<string, string>>, exchange: Exchange): Promise<Response> {
    try {
      return await this.#reached(path, () => fetch(this.#options.url + path, { headers, signal: exchange.signal }));
    } catch (error) {
      exchange.close();
      throw error;
    }
  }

  async *#chunks(path: string, response: Response, exchange: Exchange): AsyncGenerator<Uint8Array> {
    try {
      const reader = response.body?.getReader() as ReadableStreamDefaultReader<Uint8Array> | undefined;
      while (reader !== undefined) {
        const { done, value } = await this.#reached(path, () => reader.read());
        if (done) return;
        exchange.moved();
        this.#bytes += value.byteLength;
        yield value;
      }
    } finally {
      exchange.close();
    }
  }

  async #reached<T>(path: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      this.#options.signal.throwIfAborted();
      const cause = error instanceof Error ? (error.cause ?? error) : error;
      const { code, message } = cause as NodeJS.ErrnoException;
      throw new SourceFailed(`GET ${this.#options.url}${path}: ${code ?? message}`, { cause: error });
    }
  }
}

const unexpected = (path: string, status: number): SourceFailed =>
  new SourceFailed(`GET ${path} answered ${status}`, { status });

/** Says of a failure to read which version could not be read. */
export const unreadable =
  (version: number, what: string) =>
  (error: unknown): never => {
    if (!(error instanceof SourceFailed)) throw error;
    throw new SourceFailed(`${what}: ${error.message}`, { status: error.status, version, cause: error });
  };

function decoded(line: Uint8Array): string {
  try {
    return UTF8.decode(line);
  } catch (cause) {
    throw new LinesMalformed('its line is not UTF-8', { cause });
  }
}

/**
 * One request with its answer, given up when no byte moved for so long. Whoever is done with it, for whatever reason,
 * closes it: a timer or a connection that is left holds the process after the verdict.
 */
class Exchange {
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #ms: number;
  #timer: NodeJS.Timeout | undefined;

  constructor({ timeoutMs, signal }: Pick<HttpSourceOptions, 'timeoutMs' | 'signal'>) {
    this.#ms = timeoutMs;
    this.signal = AbortSignal.any([this.#controller.signal, signal]);
    this.moved();
  }

  moved(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#controller.abort(new Error(`no byte moved for ${this.#ms} ms`)), this.#ms);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#controller.abort();
  }
}
