import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { type Around, type Ran, runCommand } from './command-run-fixture.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
}

/** A server in place of a gateway or an ops port, and a folder: both anew for each test. */
export interface StandIn {
  readonly server: Server;
  readonly url: string;
  readonly folder: string;
  readonly seen: readonly Seen[];
  /** What the next requests are answered with. */
  handler: Handler;
  readonly ronctl: (argv: readonly string[], around?: Omit<Around, 'url'>) => Promise<Ran>;
}

export function standIn(): StandIn {
  const seen: Seen[] = [];
  let server: Server;
  let url: string;
  let folder: string;

  beforeEach(async () => {
    seen.length = 0;
    folder = await mkdtemp(join(tmpdir(), 'ronctl-'));
    server = createServer((request, response) => {
      seen.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers });
      void made.handler(request, response);
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    await rm(folder, { recursive: true, force: true });
  });

  const made: StandIn = {
    get server() {
      return server;
    },
    get url() {
      return url;
    },
    get folder() {
      return folder;
    },
    seen,
    handler: () => undefined,
    ronctl: (argv, around = {}) => runCommand(argv, { url, ...around }),
  };
  return made;
}

export const json = (
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): void => {
  response.writeHead(status, { 'content-type': 'application/json', 'x-corr-id': 'corr-1', ...headers });
  response.end(JSON.stringify(value));
};

export const refuse = (
  response: ServerResponse,
  status: number,
  code: string,
  headers: Record<string, string> = {},
): void =>
  json(
    response,
    status,
    { error: { code, message: `refused: ${code}`, retryable: false, corr_id: 'corr-1' } },
    headers,
  );

/** An address nobody listens on: a port that was ours a moment ago. */
export async function closedUrl(): Promise<string> {
  const probe = createServer();
  await new Promise<void>((done) => probe.listen(0, '127.0.0.1', done));
  const { port } = probe.address() as AddressInfo;
  await new Promise((done) => probe.close(done));
  return `http://127.0.0.1:${port}`;
}
