import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BuiltLog } from './built-log-fixture.ts';

export interface Answered {
  readonly status?: number;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

type Post = (path: string, body: unknown) => Answered | undefined | Promise<Answered | undefined>;

const json = (value: unknown, headers: Readonly<Record<string, string>> = {}): Answered => ({
  body: JSON.stringify(value),
  headers: { 'content-type': 'application/json', ...headers },
});

/** A log on a port of its own, with the routes of a node. What stands in `replaced` is answered instead. */
export class ServedLog implements AsyncDisposable {
  readonly log: BuiltLog;
  readonly replaced = new Map<string, Answered>();
  readonly seen: string[] = [];
  url = '';
  /** Answers what is not a plain read. */
  post: Post = () => undefined;
  readonly #server: Server;

  private constructor(log: BuiltLog) {
    this.log = log;
    this.#server = createServer((request, response) => {
      void this.#handle(request, response);
    });
  }

  static async open(log: BuiltLog): Promise<ServedLog> {
    const served = new ServedLog(log);
    await new Promise<void>((done) => served.#server.listen(0, '127.0.0.1', done));
    served.url = `http://127.0.0.1:${(served.#server.address() as AddressInfo).port}`;
    return served;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    this.seen.push(`${request.method ?? ''} ${path}`);
    const chunks: Uint8Array[] = [];
    for await (const chunk of request as AsyncIterable<Uint8Array>) chunks.push(chunk);
    const read = (): Answered | undefined => this.replaced.get(path) ?? this.answer(path);
    const text = Buffer.concat(chunks).toString('utf8');
    const answered = request.method === 'GET' ? read() : await this.post(path, text);
    const { status = 200, body, headers = {} } = answered ?? notFound;
    const etag = tagFor(request, headers['etag']);
    const sent = { ...headers, ...(etag === undefined ? {} : { etag }) };
    if (status === 200 && etag !== undefined && request.headers['if-none-match'] === etag) {
      response.writeHead(304, sent).end();
      return;
    }
    response.writeHead(status, sent).end(body);
  }

  answer(path: string): Answered | undefined {
    const { pathname, searchParams } = new URL(path, 'http://node');
    const { log } = this;
    const number = (name: string): number => Number(searchParams.get(name));
    const version = Number(/^\/registry\/([0-9]+)(?:\/proof)?$/.exec(pathname)?.[1]);
    if (pathname === '/registry/head') return json(log.headShown, { etag: headTag(log) });
    if (pathname === '/registry/signers') return json(log.signers);
    if (pathname === '/registry/log') return this.#lines(number('after'), number('limit'));
    if (pathname === '/registry/consistency') return json(log.consistency(number('from'), number('to')));
    if (pathname === '/registry/tlog/checkpoint') return { body: log.checkpoint() };
    if (pathname.startsWith('/registry/tlog/')) return bytes(log.tile(pathname.slice('/registry/tlog/'.length)));
    if (version > log.entries.length || !(version >= 1)) return undefined;
    if (pathname.endsWith('/proof')) return { body: log.proof(version) };
    const entry = log.entries[version - 1];
    return entry === undefined ? undefined : { body: entry.line, headers: { etag: `"${entry.entryB3}"` } };
  }

  #lines(after: number, limit: number): Answered {
    const lines = this.log.entries.slice(after, after + limit).map(({ line }) => `${line}\n`);
    return { body: lines.join('') };
  }
}

/** A gateway compresses for whoever takes it, and a compressed answer has a tag of its own. */
function tagFor({ headers }: IncomingMessage, etag: string | undefined): string | undefined {
  return headers['accept-encoding']?.includes('gzip') === true ? etag?.replace(/"$/, '-gzip"') : etag;
}

const headTag = (log: BuiltLog): string =>
  `"v${log.entries.length}-${(log.head?.entryB3 ?? 'b3:00000000').slice(3, 11)}"`;

const bytes = (body: Uint8Array | undefined): Answered | undefined => (body === undefined ? undefined : { body });

const notFound: Answered = {
  ...json({ error: { code: 'not_found', message: 'nothing here', retryable: false, corr_id: 'c' } }),
  status: 404,
};
