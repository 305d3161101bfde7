import { Agent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ErrorEnvelope } from '@macronode/contracts';
import { target } from './target.ts';

export interface ClientOptions {
  readonly url?: string;
  /** Sent as a bearer with every request. */
  readonly token?: string | undefined;
  readonly agent?: Agent;
}

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string | Readable;
  readonly signal?: AbortSignal;
  /** Called when the node answers `100 Continue`. */
  readonly onContinue?: () => void;
  /** Milliseconds until the test gives up: far above any deadline the node promises. */
  readonly timeoutMs?: number;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly text: string;
  json(): unknown;
}

/** One header of a reply as text; empty when it is absent. */
export const headerOf = (reply: { headers: IncomingHttpHeaders }, name: string): string => {
  const value = reply.headers[name];
  return Array.isArray(value) ? value.join(', ') : (value ?? '');
};

/** The connection ended before the body did: all a node can do about a body it cannot finish. */
export class BrokenBody extends Error {
  override readonly name = 'BrokenBody';
  readonly status: number;

  constructor(status: number, options: ErrorOptions) {
    super(`the body of a ${status} broke off`, options);
    this.status = status;
  }
}

/** A connection kept from an earlier request was closed while this one was being sent: it was never taken in. */
export class StaleConnection extends Error {
  override readonly name = 'StaleConnection';
}

/** Plain HTTP/1.1 to the public surface: nothing is added, followed, decoded or retried. */
export class Client {
  readonly url: string;
  readonly #token: string | undefined;
  readonly #agent: Agent;

  constructor(options: ClientOptions = {}) {
    this.url = options.url ?? target.url;
    this.#token = 'token' in options ? options.token : target.token;
    this.#agent = options.agent ?? new Agent({ keepAlive: true });
  }

  /** Sends a request and reads the whole answer. */
  async send(call: Request): Promise<Reply> {
    const { response } = await this.open(call);
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of response) chunks.push(chunk as Buffer);
    } catch (cause) {
      throw new BrokenBody(response.statusCode ?? 0, { cause });
    }
    const bytes = Buffer.concat(chunks);
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      bytes,
      get text() {
        return bytes.toString('utf8');
      },
      json: () => JSON.parse(bytes.toString('utf8')) as unknown,
    };
  }

  /** Sends a request and resolves with the head of the answer; the caller reads or destroys the rest. */
  async open(call: Request) {
    const request = httpRequest(this.url + call.path, {
      method: call.method,
      agent: this.#agent,
      headers: {
        ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
        ...(typeof call.body === 'string' || call.body instanceof Uint8Array
          ? { 'content-length': String(Buffer.byteLength(call.body)) }
          : {}),
        ...call.headers,
      },
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    });
    const answered = Promise.withResolvers<IncomingMessage>();
    request.on('response', answered.resolve);
    request.on('error', (error: NodeJS.ErrnoException) => {
      const stale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      answered.reject(stale ? new StaleConnection(error.message, { cause: error }) : error);
    });
    if (call.onContinue !== undefined) request.once('continue', call.onContinue);
    request.setTimeout(call.timeoutMs ?? 30_000, () => {
      request.destroy(new Error(`${call.method} ${call.path}: no byte for ${String(call.timeoutMs ?? 30_000)} ms`));
    });
    if (call.body === undefined || typeof call.body === 'string' || call.body instanceof Uint8Array) {
      request.end(call.body);
    } else {
      // A refusal may come before the body is through; then the broken pipe is no news.
      pipeline(call.body, request).catch(answered.reject);
    }
    return { request, response: await answered.promise };
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Reply> {
    return this.send({ method: 'GET', path, headers });
  }

  head(path: string, headers: Record<string, string> = {}): Promise<Reply> {
    return this.send({ method: 'HEAD', path, headers });
  }

  /** PUT of raw bytes. */
  put(path: string, body: Uint8Array | string | Readable, headers: Record<string, string> = {}): Promise<Reply> {
    return this.send({
      method: 'PUT',
      path,
      body,
      headers: { 'content-type': 'application/octet-stream', ...headers },
    });
  }

  /** POST of raw bytes. */
  post(path: string, body: Uint8Array | string | Readable, headers: Record<string, string> = {}): Promise<Reply> {
    return this.send({
      method: 'POST',
      path,
      body,
      headers: { 'content-type': 'application/octet-stream', ...headers },
    });
  }

  /** PUT or POST of a JSON value. */
  json(method: 'PUT' | 'POST', path: string, value: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    const body = JSON.stringify(value);
    return this.send({ method, path, body, headers: { 'content-type': 'application/json', ...headers } });
  }
}

export const client = new Client();

/** The envelope of a refusal, checked against what every refusal must be. */
export function refusal(reply: Reply): ErrorEnvelope['error'] & { status: number } {
  const { error } = ErrorEnvelope.parse(reply.json());
  return { ...error, status: reply.status };
}

/** Status and code together, for one readable assertion. */
export function refused(reply: Reply): { status: number; code: string } {
  const { status, code } = refusal(reply);
  return { status, code };
}

/** Opens a bare socket to the gateway, for requests no client library would send. */
export async function openSocket(): Promise<Socket> {
  const { hostname, port } = new URL(target.url);
  const socket = connect(Number(port === '' ? '80' : port), hostname);
  await new Promise<void>((done, failed) => {
    socket.once('connect', done);
    socket.once('error', failed);
  });
  return socket;
}

/** Sends bytes as they are and returns what comes back until the gateway closes or `enough` says so. */
export async function exchange(sent: string | Uint8Array, enough: (received: string) => boolean): Promise<string> {
  const socket = await openSocket();
  let stuck: Error | undefined;
  socket.setTimeout(10_000, () => {
    stuck = new Error('the gateway neither answered nor closed in 10 s');
    socket.destroy(stuck);
  });
  socket.write(sent);
  let received = '';
  try {
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      received += chunk.toString('latin1');
      if (enough(received)) break;
    }
  } catch (error) {
    // A reset after the answer is a way to close.
    if (received === '' || stuck !== undefined) throw error;
  } finally {
    socket.destroy();
  }
  return received;
}
