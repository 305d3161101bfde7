import { once } from 'node:events';
import { connect } from 'node:net';
import { ErrorEnvelope, ROUTES, ServiceError } from '@macronode/contracts';
import { MetricsRegistry } from '@macronode/metrics';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AccessLog } from './access-log.ts';
import { HttpServer } from './http-server.ts';
import { createBareLogger, createLogger } from './logging.ts';
import { RouteTable } from './route-table.ts';
import { bindHttpGolden, bindRefusals } from './service-metrics.ts';

const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const CORR = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const CONNECTIONS = 16;

let server: HttpServer;
let registry: MetricsRegistry;
let base: string;
let port: number;
const opened: (() => void)[] = [];
let accessLines: string[] = [];
let endless: string[] = [];

beforeEach(async () => {
  accessLines = [];
  endless = [];
  registry = new MetricsRegistry();
  const metrics = registry.scope({ service: 'gateway' });
  const routes = new RouteTable(Object.values(ROUTES));
  server = new HttpServer({
    routes,
    metrics,
    golden: bindHttpGolden(metrics, routes.templates),
    reporter: { log: createLogger('silent', {}), count: bindRefusals(metrics, 0) },
    spans: undefined,
    accessLog: new AccessLog(createBareLogger({}, { write: (line) => void accessLines.push(line) })),
    maxConnections: CONNECTIONS,
  });
  const http = server.instance;
  http.setErrorHandler((error, request, reply) => server.errors.answer(error, request, reply));
  http.setNotFoundHandler((request, reply) => server.errors.answer(new ServiceError('not_found'), request, reply));
  http.get('/o/:id', (request) => ({
    corr: request.ctx.corrId,
    trace: request.ctx.traceparent,
    left: request.ctx.remainingMs(),
  }));
  http.post('/o', async (request, reply) => {
    let bytes = 0;
    for await (const chunk of request.body as AsyncIterable<Buffer>) bytes += chunk.length;
    return reply.code(201).send({ bytes });
  });
  http.put('/o/:id', () => { throw new ServiceError('busy', 'full', { retryAfterMs: 1_500 }); }); // prettier-ignore
  http.get('/n/:name', () => { throw new Error('secret stack'); }); // prettier-ignore
  http.get('/names/:name', (request, reply) => {
    request.ctx.signal.addEventListener('abort', () => opened.shift()?.());
    void reply.hijack();
  });
  http.get('/registry/stream', (request, reply) => {
    void reply.hijack();
    reply.raw.writeHead(200);
    reply.raw.write('begun');
    request.ctx.onEndless(() => void endless.push('told'));
    request.ctx.endless(() => {
      endless.push('ended');
      reply.raw.end();
    });
  });
  await http.listen({ host: '127.0.0.1', port: 0 });
  const address = http.server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
  base = `http://127.0.0.1:${port}`;
});
afterEach(() => server.instance.close());

/** Sends raw bytes; answers everything that came back until the server closed. */
async function raw(bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk) => (answer += String(chunk)));
  socket.write(bytes);
  await once(socket, 'close');
  return answer;
}

const envelopeOf = async (response: Response): Promise<ErrorEnvelope['error']> =>
  ErrorEnvelope.parse(await response.json()).error;

async function sample(series: string): Promise<number | undefined> {
  const line = (await registry.render()).split('\n').find((l) => l.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

describe('the context of a request', () => {
  it('takes the caller’s correlation id and trace, and echoes the id', async () => {
    const response = await fetch(`${base}/o/x`, { headers: { 'x-corr-id': CORR, traceparent: TRACE } });
    expect(response.headers.get('x-corr-id')).toBe(CORR);
    const body = (await response.json()) as { corr: string; trace: string; left: number };
    expect(body.corr).toBe(CORR);
    expect(body.trace).toContain('4bf92f3577b34da6a3ce929d0e0e4736');
    expect(body.left).toBeGreaterThan(0);
    expect(body.left).toBeLessThanOrEqual(5_000);
  });

  it('makes an id when there is none to accept, also on errors', async () => {
    for (const path of ['/o/x', '/nothing', '/n/x', '/o/%zz']) {
      const response = await fetch(`${base}${path}`, { headers: { 'x-corr-id': 'not an id' } });
      expect(response.headers.get('x-corr-id'), path).toMatch(/^[0-9A-Z]{26}$/);
    }
  });

  it('aborts when the client goes away', async () => {
    const aborted = new Promise<void>((resolve) => opened.push(resolve));
    const leaving = new AbortController();
    const request = fetch(`${base}/names/x`, { signal: leaving.signal }).catch(() => undefined);
    while ((await sample('inflight_requests{service="gateway",route="/names/{name}"}')) !== 1)
      await new Promise(setImmediate);
    leaving.abort();
    await Promise.all([request, aborted]);
    expect(await sample('http_requests_total{service="gateway",route="/names/{name}",method="GET",code="499"}')).toBe(
      1,
    );
    expect(await sample('inflight_requests{service="gateway",route="/names/{name}"}')).toBe(0);
  });
});

describe('a body', () => {
  it('arrives as a stream of any type and size', async () => {
    const bytes = 3 * 1024 * 1024;
    for (const type of ['application/json', 'application/octet-stream', 'text/weird; x=1']) {
      const response = await fetch(`${base}/o`, {
        method: 'POST',
        body: new Uint8Array(bytes),
        headers: { 'content-type': type },
      });
      expect(await response.json()).toEqual({ bytes });
    }
  });
});

describe('an error', () => {
  it('is the envelope, with Retry-After where it must be', async () => {
    const response = await fetch(`${base}/o/x`, { method: 'PUT', body: 'x', headers: { 'x-corr-id': CORR } });
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('2');
    expect(await envelopeOf(response)).toEqual({
      code: 'busy',
      message: 'full',
      retryable: true,
      corr_id: CORR,
      retry_after_ms: 1_500,
    });
    expect(await sample('rejected_total{service="gateway",reason="busy"}')).toBe(1);
  });

  it('tells nothing of a defect', async () => {
    const response = await fetch(`${base}/n/x`);
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('secret');
  });

  it.each([
    ['a malformed URL', 'GET /o/%zz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n', 400, 'bad_request'],
    [
      'a parameter over its bound',
      `GET /o/${'x'.repeat(2_000)} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`,
      400,
      'bad_request',
    ],
    [
      'a header over its bound',
      `GET / HTTP/1.1\r\nhost: x\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`,
      431,
      'header_too_large',
    ],
    ['bytes that are not HTTP', 'hello there\r\n\r\n', 400, 'bad_request'],
    [
      'two lengths',
      'POST /o HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
      'bad_request',
    ],
    ['no Host', 'GET /o/x HTTP/1.1\r\nconnection: close\r\n\r\n', 400, 'bad_request'],
  ])('is the envelope for %s', async (_, bytes, status, code) => {
    const answer = await raw(bytes);
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    expect(head).toContain(`HTTP/1.1 ${status}`);
    const { error } = ErrorEnvelope.parse(JSON.parse(body));
    expect(error.code).toBe(code);
    expect(head.toLowerCase()).toContain(`x-corr-id: ${error.corr_id.toLowerCase()}`);
    expect(await sample(`rejected_total{service="gateway",reason="${error.code}"}`)).toBe(1);
  });
});

/** The next lines of the access log: a line is written when the connection has the answer, which may be after its client. */
async function lines(count: number): Promise<Record<string, unknown>[]> {
  while (accessLines.length < count) await new Promise(setImmediate);
  return accessLines.splice(0).map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('the access log', () => {
  it('has one line for each request, by template, without its query or its headers', async () => {
    const headers = { 'x-corr-id': CORR, authorization: 'Bearer hunter2' };
    const response = await fetch(`${base}/o/x?token=hunter2`, { headers });
    const body = await response.text();
    const [line, ...more] = await lines(1);
    expect(more).toEqual([]);
    expect(line).toMatchObject({ method: 'GET', route: '/o/{id}', status: 200, bytes: body.length, corr_id: CORR });
    expect(line?.['duration_ms']).toBeGreaterThan(0);
    expect(Object.keys(line ?? {}).sort()).toEqual(
      ['level', 'time', 'method', 'route', 'status', 'bytes', 'duration_ms', 'corr_id', 'message'].sort(),
    );
  });

  it('tells refusals, and paths nobody serves', async () => {
    await (await fetch(`${base}/o/x`, { method: 'PUT', body: 'x' })).text();
    await (await fetch(`${base}/scan/hunter2`)).text();
    const told = await lines(2);
    expect(told).toMatchObject([
      { method: 'PUT', route: '/o/{id}', status: 503 },
      { method: 'GET', route: 'unmatched', status: 404 },
    ]);
    expect(JSON.stringify(told)).not.toContain('hunter2');
  });

  it('tells a client that leaves, without a length', async () => {
    const leaving = new AbortController();
    const request = fetch(`${base}/names/x`, { signal: leaving.signal }).catch(() => undefined);
    while ((await sample('inflight_requests{service="gateway",route="/names/{name}"}')) !== 1)
      await new Promise(setImmediate);
    leaving.abort();
    await request;
    const [left] = await lines(1);
    expect(left).toMatchObject({ route: '/names/{name}', status: 499 });
    expect(left).not.toHaveProperty('bytes');
  });
});

describe('connections', () => {
  const OPEN = 'http_connections{service="gateway"}';
  const DROPPED = 'http_connections_dropped_total{service="gateway"}';

  it('are bounded: one too many is closed unanswered and counted, and a place that was left is free', async () => {
    const request = 'GET /o/x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';
    const sockets = Array.from({ length: CONNECTIONS }, () => connect(port, '127.0.0.1'));
    try {
      while ((await sample(OPEN)) !== CONNECTIONS) await new Promise(setImmediate);
      expect(await sample(DROPPED)).toBe(0);
      // It may be reset before what it sent was read.
      expect(await raw(request).catch(() => '')).toBe('');
      expect(await sample(DROPPED)).toBe(1);
      expect(await sample(OPEN)).toBe(CONNECTIONS);
      sockets[0]?.destroy();
      while ((await sample(OPEN)) === CONNECTIONS) await new Promise(setImmediate);
      expect(await raw(request)).toContain('HTTP/1.1 200 OK');
      expect(await sample(DROPPED)).toBe(1);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });
});

describe('the metrics of requests', () => {
  it('carry templates, never URLs', async () => {
    for (let i = 0; i < 50; i++) await (await fetch(`${base}/o/id-${i}`)).text();
    for (let i = 0; i < 50; i++) await (await fetch(`${base}/scan/${i}`)).text();
    expect(await sample('http_requests_total{service="gateway",route="/o/{id}",method="GET",code="200"}')).toBe(50);
    expect(await sample('http_requests_total{service="gateway",route="unmatched",method="GET",code="404"}')).toBe(50);
    expect(await sample('request_latency_seconds_count{service="gateway",route="/o/{id}",method="GET"}')).toBe(50);
    expect(await sample('inflight_requests{service="gateway",route="/o/{id}"}')).toBe(0);
    expect(await registry.render()).not.toContain('id-7');
  });
});

describe('an answer that has no end of its own', () => {
  const STREAM = 'service="gateway",route="/registry/stream",method="GET"';

  it('is counted as answered when it began, also when its client leaves', async () => {
    const leaving = new AbortController();
    const response = await fetch(`${base}/registry/stream`, { signal: leaving.signal });
    await response.body?.getReader().read();
    const beganAt = performance.now();
    while (performance.now() - beganAt < 100) await new Promise(setImmediate);
    leaving.abort();
    const [line] = await lines(1);
    expect(line).toMatchObject({ status: 200 });
    expect(line?.['duration_ms']).toBeGreaterThan(100);
    expect(await sample(`http_requests_total{${STREAM},code="200"}`)).toBe(1);
    expect(await sample(`request_latency_seconds_sum{${STREAM}}`)).toBeLessThan(0.1);
    expect(endless).toEqual(['told']);
  });

  it('ends when the server stops, and then at once', async () => {
    const response = await fetch(`${base}/registry/stream`);
    const whole = response.text();
    // Connected before the port closes, and asking only after it: the second stream of this test.
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const stopped = server.stop(5_000);
    socket.write('GET /registry/stream HTTP/1.1\r\nhost: x\r\n\r\n');
    await once(socket.resume(), 'close');
    expect(await whole).toBe('begun');
    expect(await stopped).toBe(true);
    expect(endless).toEqual(['told', 'ended', 'told', 'ended']);
  });
});
