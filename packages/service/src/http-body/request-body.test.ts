import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { ServiceError } from '@macronode/contracts';
import { afterEach, describe, expect, it } from 'vitest';
import { RequestBody } from './request-body.ts';

type Handler = (body: RequestBody) => Promise<unknown>;

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A server whose answer is what `handler` makes of the body, or the code it is refused with. */
async function serve(limit: number, handler: Handler): Promise<number> {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      response.end(JSON.stringify(await handler(new RequestBody(request, response, limit))));
    } catch (error) {
      const { code, reason } = error as ServiceError;
      response.end(JSON.stringify({ code, reason }));
    }
  };
  server = createServer((request, response) => void answer(request, response));
  server.on('checkContinue', (request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function post(port: number, pieces: readonly Buffer[], headers: Record<string, string> = {}): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ port, method: 'POST', headers }, (response) => {
      let text = '';
      response.on('data', (piece: Buffer) => (text += piece.toString()));
      response.on('end', () => resolve(JSON.parse(text)));
    });
    request.on('error', reject);
    for (const piece of pieces) request.write(piece);
    request.end();
  });
}

const sizes: Handler = async (body) => {
  const found: number[] = [];
  for await (const chunk of body.chunks(1_000)) found.push(chunk.length);
  return found;
};
const CHUNK = 65_536;
const bytes = (length: number): Buffer => Buffer.alloc(length, 7);

describe('the body of a request', () => {
  it.each([
    ['nothing', [], []],
    ['one byte', [1], [1]],
    ['one chunk', [CHUNK], [CHUNK]],
    ['a byte more than a chunk', [CHUNK, 1], [CHUNK, 1]],
    ['many small pieces', Array.from({ length: 70 }, () => 1_000), [CHUNK, 70_000 - CHUNK]],
    ['one large piece', [3 * CHUNK + 5], [CHUNK, CHUNK, CHUNK, 5]],
  ])('comes in chunks of 64 KiB: %s', async (_what, pieces, expected) => {
    const port = await serve(1 << 20, sizes);
    const total = pieces.reduce((sum, length) => sum + length, 0);
    expect(await post(port, pieces.map(bytes))).toEqual(expected);
    expect(await post(port, pieces.map(bytes), { 'content-length': String(total) })).toEqual(expected);
  });

  it('keeps its bytes', async () => {
    const content = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 31) % 251));
    const port = await serve(1 << 20, async (body) => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of body.chunks(1_000)) chunks.push(chunk);
      return Buffer.concat(chunks).equals(content);
    });
    expect(await post(port, [content.subarray(0, 70_001), content.subarray(70_001)])).toBe(true);
  });

  it('is refused over its limit: announced before it is read, chunked as soon as it is passed', async () => {
    const port = await serve(1_000, async (body) => (await body.whole(1_000)).length);
    expect(await post(port, [bytes(1_000)])).toBe(1_000);
    expect(await post(port, [bytes(1_001)], { 'content-length': '1001' })).toMatchObject({ code: 'too_large' });
    expect(await post(port, [bytes(600), bytes(600)])).toMatchObject({ code: 'too_large' });
  });

  it('asks for the bytes only when they are read', async () => {
    let read = false;
    const port = await serve(1_000, async (body) => {
      read = true;
      return (await body.whole(1_000)).length;
    });
    const answer = await new Promise((resolve, reject) => {
      const headers = { expect: '100-continue', 'content-length': '3' };
      const request = httpRequest({ port, method: 'POST', headers }, (response) => {
        response.on('data', (piece: Buffer) => resolve(JSON.parse(piece.toString())));
      });
      request.on('error', reject);
      request.on('continue', () => {
        expect(read).toBe(true);
        request.end('abc');
      });
      request.flushHeaders();
    });
    expect(answer).toBe(3);
  });
});

describe('a client that fails', () => {
  /** What the handler met, for clients that are not there to be told. */
  async function failure(idleMs: number, client: (port: number) => void): Promise<ServiceError> {
    const met = Promise.withResolvers<ServiceError>();
    const port = await serve(1_000_000, async (body) => {
      try {
        for await (const chunk of body.chunks(idleMs)) expect(chunk.length).toBeGreaterThan(0);
        met.reject(new Error('the body ended well'));
      } catch (error) {
        met.resolve(error as ServiceError);
      }
    });
    client(port);
    return met.promise;
  }

  it('by leaving early is told from one that is done', async () => {
    const error = await failure(5_000, (port) => {
      const request = httpRequest({ port, method: 'POST', headers: { 'content-length': '100' } });
      request.on('error', () => undefined);
      request.write('abc', () => request.destroy());
    });
    expect(error).toMatchObject({ code: 'bad_request', reason: 'aborted' });
  });

  it('by sending nothing more is cut off', async () => {
    const error = await failure(50, (port) => {
      const request = httpRequest({ port, method: 'POST', headers: { 'content-length': '100' } });
      request.on('error', () => undefined);
      request.write('abc');
    });
    expect(error).toMatchObject({ code: 'deadline', reason: 'idle' });
  });
});
