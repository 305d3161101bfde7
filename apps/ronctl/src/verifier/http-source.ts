import type { ReadableStreamDefaultReader } from 'node:stream/web';
import { setTimeout as pause } from 'node:timers/promises';

/** Thrown when the node cannot be read: it is not there, does not answer, or answers that it cannot. */
export class SourceFailed extends Error {
  override readonly name = 'SourceFailed';
  /** Undefined when there was no answer. */
  readonly status: number | undefined;

  constructor(message: string, status?: number, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

export interface HttpSourceOptions {
  /** Base address without a trailing slash. */
  readonly url: string;
  readonly token?: string;
  /** Milliseconds without a byte after which a request is given up. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface Fetched {
  readonly status: number;
  readonly etag: string | null;
  readonly body: Buffer;
}

/** The largest answer read whole: an entry bundle has 256 entries of 64 KiB. */
const BODY_BYTES_MAX = 32 * 1024 * 1024;
/** The longest line: an entry has at most a leaf of 64 KiB and a payload of 960. */
const LINE_CHARS_MAX = 4 * 1024 * 1024;
const ATTEMPTS = 6;
const RETRY_MS = 500;

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

  /** A whole answer. Statuses of 400 to 499 are for the caller to judge: something that is not there is a finding. */
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
    if (status !== 200) throw new SourceFailed(`GET ${path} answered ${status}`, status);
    return body.toString('utf8');
  }

  /** The lines of an answer, as they come. */
  async *lines(path: string): AsyncGenerator<string> {
    const { status, chunks } = await this.#open(path, {});
    if (status !== 200) throw new SourceFailed(`GET ${path} answered ${status}`, status);
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    let rest = '';
    for await (const chunk of chunks) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = parts.pop() ?? '';
      yield* parts;
      if (rest.length > LINE_CHARS_MAX)
        throw new SourceFailed(`GET ${path} has a line over ${LINE_CHARS_MAX} characters`);
    }
    if (rest + decoder.decode() !== '') throw new SourceFailed(`GET ${path} ended in the middle of a line`);
  }

  async #open(
    path: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<{ status: number; etag: string | null; chunks: AsyncIterable<Uint8Array> }> {
    const idle = new IdleTimer(this.#options.timeoutMs);
    const signal = AbortSignal.any([idle.signal, this.#options.signal]);
    const { token } = this.#options;
    const own = {
      // A gateway that compresses tags what it compressed.
      'accept-encoding': 'identity',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
    for (let attempt = 1; ; attempt += 1) {
      idle.restart();
      const response = await this.#reached(path, () =>
        fetch(this.#options.url + path, { headers: { ...headers, ...own }, signal }),
      );
      const { status } = response;
      if (status < 500 && status !== 429) {
        return { status, etag: response.headers.get('etag'), chunks: this.#chunks(path, response, idle) };
      }
      idle.stop();
      await response.body?.cancel();
      if (attempt === ATTEMPTS || (status !== 503 && status !== 429)) {
        throw new SourceFailed(`GET ${path} answered ${status}`, status);
      }
      const seconds = Number(response.headers.get('retry-after'));
      await pause(seconds > 0 ? seconds * 1_000 : RETRY_MS, undefined, { signal: this.#options.signal });
    }
  }

  async *#chunks(path: string, response: Response, idle: IdleTimer): AsyncGenerator<Uint8Array> {
    try {
      const reader = response.body?.getReader() as ReadableStreamDefaultReader<Uint8Array> | undefined;
      while (reader !== undefined) {
        const { done, value } = await this.#reached(path, () => reader.read());
        if (done) return;
        idle.restart();
        this.#bytes += value.byteLength;
        yield value;
      }
    } finally {
      idle.stop();
    }
  }

  async #reached<T>(path: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      this.#options.signal.throwIfAborted();
      const cause = error instanceof Error ? (error.cause ?? error) : error;
      const { code, message } = cause as NodeJS.ErrnoException;
      throw new SourceFailed(`GET ${this.#options.url}${path}: ${code ?? message}`, undefined, { cause: error });
    }
  }
}

/** Aborts when it was not restarted for so long. */
class IdleTimer {
  readonly #controller = new AbortController();
  readonly #ms: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number) {
    this.#ms = ms;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  restart(): void {
    this.stop();
    this.#timer = setTimeout(() => this.#controller.abort(new Error(`no byte moved for ${this.#ms} ms`)), this.#ms);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
