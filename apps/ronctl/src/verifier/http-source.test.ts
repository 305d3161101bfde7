import { once } from 'node:events';
import { type RequestListener, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { HttpSource, LinesMalformed, SourceFailed } from './http-source.ts';

interface Serving extends AsyncDisposable {
  readonly url: string;
}

async function serving(listener: RequestListener): Promise<Serving> {
  const server = createServer(listener);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

/** Tells the timers of a source from all others. */
const IDLE_MS = 61_234;

afterEach(() => vi.restoreAllMocks());

const signal = new AbortController().signal;
const sourceOf = (url: string): HttpSource => new HttpSource({ url, timeoutMs: IDLE_MS, signal });
/** How many timers of a source are left: those of its length that nobody cleared. */
function watchTimers(): () => number {
  const [set, cleared] = [vi.spyOn(globalThis, 'setTimeout'), vi.spyOn(globalThis, 'clearTimeout')];
  return () => {
    const ended = new Set<unknown>(cleared.mock.calls.map(([timer]) => timer));
    const own = set.mock.results.filter((_result, at) => set.mock.calls[at]?.[1] === IDLE_MS);
    expect(own).not.toEqual([]);
    return own.filter(({ value }) => !ended.has(value)).length;
  };
}

async function linesOf(source: HttpSource, path = '/'): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of source.lines(path)) lines.push(line);
  return lines;
}

describe('nothing holds the process after', () => {
  test('a node that is not there', async () => {
    const { url } = await (async () => {
      await using gone = await serving(() => undefined);
      return { url: gone.url };
    })();
    const timers = watchTimers();
    await expect(sourceOf(url).get('/')).rejects.toThrow(SourceFailed);
    expect(timers()).toBe(0);
  });

  test.each([400, 401, 500])('lines that are refused with %i and a body without end', async (status) => {
    const answered = Promise.withResolvers<ServerResponse>();
    await using node = await serving((_request, response) => {
      response.writeHead(status).write('no end');
      answered.resolve(response);
    });
    const timers = watchTimers();
    await expect(linesOf(sourceOf(node.url))).rejects.toMatchObject({ name: 'SourceFailed', status });
    expect(timers()).toBe(0);
    const response = await answered.promise;
    if (!response.closed) await once(response, 'close');
  });

  test('a page that is left in its middle', async () => {
    const answered = Promise.withResolvers<ServerResponse>();
    await using node = await serving((_request, response) => {
      response.write('first\nsecond\n');
      answered.resolve(response);
    });
    const timers = watchTimers();
    for await (const line of sourceOf(node.url).lines('/')) {
      expect(line).toBe('first');
      break;
    }
    expect(timers()).toBe(0);
    const response = await answered.promise;
    if (!response.closed) await once(response, 'close');
  });

  test('an answer that was read whole, and its connection is used again', async () => {
    const ports = new Set<number | undefined>();
    await using node = await serving(({ socket }, response) => {
      ports.add(socket.remotePort);
      response.end('a\nb\n');
    });
    const source = sourceOf(node.url);
    const timers = watchTimers();
    for (let i = 0; i < 10; i += 1) expect(await linesOf(source)).toEqual(['a', 'b']);
    expect(timers()).toBe(0);
    expect(ports.size).toBeLessThan(5);
  });
});

describe('lines', () => {
  /** Reads lines up to what is thrown. */
  async function readUntil(source: HttpSource): Promise<{ lines: string[]; error: unknown }> {
    const lines: string[] = [];
    try {
      for await (const line of source.lines('/')) lines.push(line);
    } catch (error) {
      return { lines, error };
    }
    return { lines, error: undefined };
  }

  test.each<[string, Buffer, RegExp]>([
    ['a byte that is not UTF-8', Buffer.from([...Buffer.from('good\nb'), 0xff, 10]), /not UTF-8/],
    ['an end in the middle', Buffer.from('good\ncut'), /in the middle/],
    ['a line without end', Buffer.from(`good\n${'x'.repeat(4 * 1024 * 1024 + 1)}`), /over 4194304 bytes/],
  ])('come up to %s', async (_name, body, says) => {
    await using node = await serving((_request, response) => response.end(body));
    const { lines, error } = await readUntil(sourceOf(node.url));
    expect(lines).toEqual(['good']);
    expect(error).toBeInstanceOf(LinesMalformed);
    expect(String(error)).toMatch(says);
  });

  test('are whole whatever the chunks: a letter of two bytes is cut', async () => {
    const text = Buffer.from('grün\n\nblau\n');
    await using node = await serving((_request, response) => {
      response.write(text.subarray(0, 3), () => response.end(text.subarray(3)));
    });
    expect(await linesOf(sourceOf(node.url))).toEqual(['grün', '', 'blau']);
  });
});

describe('a node that asks for a wait', () => {
  /** What a source says before it waits; the wait itself is broken off. */
  async function waits(retryAfter: string | undefined): Promise<[number, string]> {
    await using node = await serving((_request, response) => {
      response.writeHead(503, retryAfter === undefined ? {} : { 'retry-after': retryAfter }).end();
    });
    const interrupt = new AbortController();
    const told: [number, string][] = [];
    const onWait = (waitMs: number, why: string): void => {
      told.push([waitMs, why]);
      interrupt.abort();
    };
    const source = new HttpSource({ url: node.url, timeoutMs: 60_000, signal: interrupt.signal, onWait });
    await expect(source.get('/x')).rejects.toThrow(/abort/);
    return told[0] ?? [NaN, ''];
  }

  test('is asked again after it, and that is told', async () => {
    expect(await waits('2')).toEqual([2_000, 'GET /x answered 503']);
    expect(await waits(undefined)).toEqual([500, 'GET /x answered 503']);
    expect(await waits('Wed, 21 Oct 2015 07:28:00 GMT')).toEqual([500, 'GET /x answered 503']);
  });

  test('does not get more than half a minute', async () => {
    expect(await waits('86400')).toEqual([30_000, 'GET /x answered 503']);
  });
});

test.each([401, 403])('%i says nothing of the log, whatever was asked for', async (status) => {
  await using node = await serving((_request, response) => response.writeHead(status).end());
  await expect(sourceOf(node.url).get('/registry/head')).rejects.toMatchObject({ name: 'SourceFailed', status });
});
