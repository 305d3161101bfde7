import { randomUUID } from 'node:crypto';
import { request as httpRequest, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { LineTooLong, textLines } from '@macronode/content';
import { ErrorEnvelope } from '@macronode/contracts';
import { EXIT } from './exit-codes.ts';
import { Failure, exitCodeOf, hintOf } from './failure.ts';

/** How long to wait for `100 Continue` before sending the body anyway (RFC 9110, 10.1.1 lets the client choose). */
const CONTINUE_WAIT_MS = 1_000;
/** An error body is small; more than this is not ours and is not read. */
const ERROR_BODY_BYTES = 64 * 1024;
const JSON_BODY_BYTES = 4 * 1024 * 1024;
/** Of the longest line: the largest entry of a registry is a quarter of it. More would be held in memory. */
const LINE_BYTES = 4 * 1024 * 1024;

export interface NodeClientOptions {
  /** Base address, `http://host:port`, without a trailing slash. */
  readonly url: string;
  readonly token?: string;
  /** Milliseconds without a byte in either direction after which a request is given up. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface Call {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | UploadBody;
  /** Added to the idle timeout: what the server may take on purpose (a long poll). */
  readonly extraWaitMs?: number;
}

/** Bytes that are sent as they are read. */
export interface UploadBody {
  readonly source: AsyncIterable<Uint8Array>;
  readonly size?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly corrId: string;
  readonly body: IncomingMessage;
}

/** The public HTTP surface of a node, one request at a time. Every request carries its own correlation id. */
export class NodeClient {
  readonly #options: NodeClientOptions;

  constructor(options: NodeClientOptions) {
    this.#options = options;
  }

  /** Aborted when the person interrupts. */
  get signal(): AbortSignal {
    return this.#options.signal;
  }

  /** Sends a request and resolves with the head of the answer. Rejects with Failure when there is none. */
  async send(call: Call): Promise<Answer> {
    const corrId = randomUUID();
    const idleMs = this.#options.timeoutMs + (call.extraWaitMs ?? 0);
    const request = this.#open(call, corrId);
    const answered = Promise.withResolvers<IncomingMessage>();
    let failed: Failure | undefined;
    request.setTimeout(idleMs, () => {
      failed = new Failure(EXIT.unavailable, `no byte moved for ${idleMs} ms`, {
        corrId,
        outcomeUnknown: true,
        hint: 'see which service is slow with: ronctl status; or allow more with --timeout',
      });
      request.destroy(failed);
    });
    request.on('response', answered.resolve);
    request.on('error', (error) => answered.reject(failed ?? this.#connectionFailure(error, corrId)));
    this.#sendBody(request, call).catch((error: unknown) => {
      // A source that cannot be read ends the request; an answer that came first has already settled the promise.
      answered.reject(error);
      request.destroy();
    });
    const body = await answered.promise;
    return { status: body.statusCode ?? 0, headers: body.headers, corrId: corrIdOf(body.headers, corrId), body };
  }

  /** A request whose answer is JSON. Statuses outside 200-299 become Failure. */
  async json<T>(call: Call, schema: { parse(value: unknown): T }): Promise<{ value: T; answer: Answer }> {
    const answer = await this.send(call);
    if (answer.status < 200 || answer.status > 299) throw await refusalOf(answer);
    const text = await readText(answer.body, JSON_BODY_BYTES);
    try {
      return { value: schema.parse(JSON.parse(text)), answer };
    } catch (cause) {
      throw new Failure(EXIT.error, `${call.method} ${call.path} answered something this version does not understand`, {
        corrId: answer.corrId,
        hint: `is ${this.#options.url} a macronode gateway?`,
        cause,
      });
    }
  }

  /** A request whose answer is text. Statuses outside 200-299 become Failure. */
  async text(call: Call): Promise<string> {
    const answer = await this.send(call);
    if (answer.status < 200 || answer.status > 299) throw await refusalOf(answer);
    return readText(answer.body, JSON_BODY_BYTES);
  }

  /** The lines of an answer, as they come. Statuses outside 200-299 become Failure. */
  async *lines(call: Call): AsyncGenerator<string> {
    const answer = await this.send(call);
    if (answer.status < 200 || answer.status > 299) throw await refusalOf(answer);
    try {
      yield* answerLines(answer.body, LINE_BYTES);
    } catch (error) {
      if (error instanceof Failure) throw error;
      throw this.#connectionFailure(error as NodeJS.ErrnoException, answer.corrId);
    } finally {
      answer.body.destroy();
    }
  }

  /** What a broken connection means for the person. */
  #connectionFailure(error: NodeJS.ErrnoException, corrId: string): Failure {
    if (this.#options.signal.aborted) return new Failure(EXIT.interrupted, 'interrupted');
    const { url } = this.#options;
    if (error.code === 'ECONNREFUSED' || error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN') {
      return new Failure(EXIT.unavailable, `nothing answers at ${url} (${error.code})`, {
        hint: 'start a node with `npm start`, or name another one with --url or RONCTL_URL',
        cause: error,
      });
    }
    return new Failure(EXIT.unavailable, `the connection to ${url} broke (${error.code ?? error.message})`, {
      corrId,
      outcomeUnknown: true,
      hint: 'try again; if it stays, see: ronctl status',
      cause: error,
    });
  }

  #open(call: Call, corrId: string): ClientRequest {
    const target = new URL(this.#options.url + call.path);
    const { body } = call;
    const size = body instanceof Uint8Array ? body.byteLength : body?.size;
    return (target.protocol === 'https:' ? httpsRequest : httpRequest)(target, {
      method: call.method,
      agent: false,
      signal: this.#options.signal,
      headers: {
        'x-corr-id': corrId,
        ...(this.#options.token === undefined ? {} : { authorization: `Bearer ${this.#options.token}` }),
        ...(size === undefined ? {} : { 'content-length': String(size) }),
        ...call.headers,
      },
    });
  }

  async #sendBody(request: ClientRequest, call: Call): Promise<void> {
    const { body } = call;
    if (body === undefined || body instanceof Uint8Array) {
      request.end(body);
      return;
    }
    if (call.headers?.['expect'] === '100-continue' && !(await mayContinue(request))) return;
    const answer = { came: false };
    request.once('response', () => (answer.came = true));
    for await (const chunk of body.source) {
      // An answer before the end of the body is final: the rest need not be sent.
      if (answer.came || request.destroyed) return;
      if (!request.write(chunk)) await drained(request);
    }
    if (!answer.came) request.end();
  }
}

/** Resolves when more may be written, or when nothing more will be: an answer came or the connection broke. */
function drained(request: ClientRequest): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const events = ['drain', 'response', 'close'] as const;
  const settle = (): void => {
    for (const event of events) request.off(event, settle);
    resolve();
  };
  for (const event of events) request.on(event, settle);
  return promise;
}

/** True when the body may be sent: `100 Continue` came, or nothing came for a while. False when the answer is already there. */
function mayContinue(request: ClientRequest): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(true), CONTINUE_WAIT_MS);
    const settle = (go: boolean) => () => {
      clearTimeout(timer);
      resolve(go);
    };
    request.once('continue', settle(true));
    request.once('response', settle(false));
    request.once('error', settle(false));
  });
}

const corrIdOf = (headers: IncomingHttpHeaders, sent: string): string => {
  const echoed = headers['x-corr-id'];
  return typeof echoed === 'string' ? echoed : sent;
};

type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** The lines of an answer. What has no end is no line: it may have been cut off. Fails for a line over the limit. */
export async function* answerLines(chunks: Chunks, limitBytes: number): AsyncGenerator<string> {
  try {
    yield* textLines(chunks, limitBytes, 'dropped');
  } catch (cause) {
    if (!(cause instanceof LineTooLong)) throw cause;
    throw new Failure(EXIT.error, `a line of the answer is over ${limitBytes} bytes`, { cause });
  }
}

/** The text of an answer. What is over the limit is not read, and rejects with a Failure and this hint. */
export async function readText(chunks: Chunks, limitBytes: number, hint?: string): Promise<string> {
  const held: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.byteLength;
    if (bytes > limitBytes) {
      throw new Failure(EXIT.error, `the answer is over ${limitBytes} bytes`, hint === undefined ? {} : { hint });
    }
    held.push(chunk);
  }
  return Buffer.concat(held).toString('utf8');
}

/** Turns an answer that is not a success into a Failure, from the envelope when it has one. */
export async function refusalOf(answer: Answer): Promise<Failure> {
  const { status, corrId } = answer;
  let parsed: ErrorEnvelope | undefined;
  try {
    parsed = ErrorEnvelope.parse(JSON.parse(await readText(answer.body, ERROR_BODY_BYTES)));
  } catch {
    parsed = undefined;
  }
  answer.body.destroy();
  const code = parsed?.error.code;
  const seconds = Number(answer.headers['retry-after']);
  const retryAfterMs =
    parsed?.error.retry_after_ms ?? (Number.isInteger(seconds) && seconds > 0 ? seconds * 1000 : undefined);
  const hint = hintOf(code, retryAfterMs);
  return new Failure(exitCodeOf(code, status), parsed?.error.message ?? `the node answered ${status}`, {
    status,
    corrId: parsed?.error.corr_id ?? corrId,
    ...(code === undefined ? {} : { code }),
    ...(code === 'outcome_unknown' || code === 'deadline' ? { outcomeUnknown: true } : {}),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(hint === undefined ? {} : { hint }),
  });
}

/** Fills parameters of a route template by their names. */
export const pathWith = (template: string, parameters: Readonly<Record<string, string>>): string =>
  template.replace(/\{([a-z_]+)\}/g, (_whole, name: string) => encodeURIComponent(parameters[name] ?? ''));

/** Fills the one parameter of a route template. */
export const pathOf = (template: string, parameter: string): string =>
  template.replace(/\{[a-z_]+\}/, () => encodeURIComponent(parameter).replaceAll('%3A', ':'));
