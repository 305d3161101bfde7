import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { askPeer, problemOf } from './ask.ts';
import { CONSOLE_LIMITS } from './history/limits.ts';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function serve(listener: RequestListener): Promise<string> {
  server = createServer(listener);
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const problem = (asking: Promise<unknown>): Promise<string> => asking.then(() => 'none', problemOf);

describe('asking an ops port', () => {
  it('takes the answers of a process that is not ready', async () => {
    const url = await serve(({ url: path }, response) => {
      response.writeHead(path === '/readyz' ? 503 : 200).end(path === '/metrics' ? 'a 1' : '{}');
    });
    expect(await askPeer(url)).toEqual({ readiness: {}, version: {}, metrics: 'a 1' });
  });

  it('gives up on one that says nothing', async () => {
    const url = await serve(() => undefined);
    expect(await problem(askPeer(url, 50))).toContain('no answer within');
  });

  it('reads no more than an answer may have', async () => {
    const url = await serve((_request, response) => {
      const chunk = Buffer.alloc(64 * 1024, 'x');
      const more = (): void => {
        while (response.write(chunk)) if (response.destroyed) return;
        response.once('drain', more);
      };
      more();
    });
    expect(await problem(askPeer(url))).toBe(`answer over ${CONSOLE_LIMITS.answerBytes} bytes`);
  });

  it('says what kind of answer it was', async () => {
    const url = await serve((_request, response) => response.writeHead(404).end());
    expect(await problem(askPeer(url))).toMatch(/^\/\w+ answered 404$/);
    await new Promise((resolve) => server?.close(resolve));
    expect(await problem(askPeer(url))).toBe('connection refused');
  });

  it('follows no redirect', async () => {
    const url = await serve((_request, response) => response.writeHead(302, { location: 'http://127.0.0.1:1' }).end());
    expect(await problem(askPeer(url))).toBe('not the answer of an ops port');
  });
});
