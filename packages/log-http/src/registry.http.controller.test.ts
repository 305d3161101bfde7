import { request as httpRequest } from 'node:http';
import { ErrorEnvelope, REGISTRY_ROUTES, type RegistryCall, ServiceError } from '@macronode/contracts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BootedLog, until } from './booted-log-fixture.ts';

const log = new BootedLog();
const { call, desk } = log;
const usual = desk.answers;
beforeAll(() => log.start());
afterAll(() => log.close());
afterEach(() => {
  desk.answers = usual;
  desk.calls.length = 0;
});

const JSON_TYPE = { 'content-type': 'application/json' };
const post = (path: string, body: string | Uint8Array, headers: Record<string, string> = JSON_TYPE) =>
  call(path, { method: 'POST', body, headers });
const codeOf = async (response: Response): Promise<string> => ErrorEnvelope.parse(await response.json()).error.code;

/** What the desk was asked by the one request just made. */
async function asked(path: string): Promise<RegistryCall | undefined> {
  desk.calls.length = 0;
  expect((await call(path)).status, path).toBe(200);
  return desk.calls[0];
}

describe('a route of the registry', () => {
  it.each([
    ['/registry/head', 'registryHead', undefined],
    ['/registry/log', 'registryLog', undefined],
    ['/registry/consistency', 'registryConsistency', undefined],
    ['/registry/signers', 'registrySigners', undefined],
    ['/registry/audit', 'registryAudit', undefined],
    ['/registry/proposals', 'registryProposals', undefined],
    ['/registry/proposals/b3%3Aab', 'registryProposal', 'b3:ab'],
    ['/registry/tlog/checkpoint', 'registryCheckpoint', undefined],
    ['/registry/tlog/tile/0/x001/234.p/5', 'registryTile', '0/x001/234.p/5'],
    ['/registry/tlog/tile/entries/000', 'registryTile', 'entries/000'],
    ['/registry/17', 'registryEntry', '17'],
    ['/registry/heads', 'registryEntry', 'heads'],
    ['/registry/017', 'registryEntry', '017'],
    ['/registry/17/proof', 'registryProof', '17'],
  ])('%s is %s', async (path, route, parameter) => {
    expect(await asked(path)).toEqual({ route, query: {}, ...(parameter !== undefined && { parameter }) });
  });

  it.each([
    ['/registry/proposals', 'registryPropose', undefined],
    ['/registry/approvals/b3:ab', 'registryApprove', 'b3:ab'],
    ['/registry/commit/b3:ab', 'registryCommit', 'b3:ab'],
    ['/registry/freeze', 'registryFreeze', undefined],
    ['/registry/thaw', 'registryThaw', undefined],
  ])('POST %s is %s, its body as it was sent', async (path, route, parameter) => {
    const body = '{ "b" : 1,\t"a":[ ] }';
    expect((await post(path, body)).status).toBe(200);
    expect(desk.calls).toEqual([
      { route, query: {}, body: Buffer.from(body), ...(parameter !== undefined && { parameter }) },
    ]);
  });

  it('is one for each of the contract', async () => {
    for (const [name, { method, template }] of Object.entries(REGISTRY_ROUTES)) {
      if (name === 'registryStream') continue;
      const path = template.replace(/\{[^}]+\}/, '1');
      const type = name === 'registryAddCheckpoint' ? 'text/plain' : 'application/json';
      desk.calls.length = 0;
      await call(path, method === 'POST' ? { method, body: '{}', headers: { 'content-type': type } } : {});
      expect(desk.calls[0]?.route, name).toBe(name);
      const series = `http_requests_total{service="registry",route="${template}",method="${method}",code="200"}`;
      expect(await log.metric(series), name).toBeGreaterThan(0);
    }
  });

  it('answers a method it does not have with those it has', async () => {
    const response = await call('/registry/proposals', { method: 'DELETE' });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')?.split(', ').sort()).toEqual(['GET', 'POST']);
    expect((await call('/registry/tlog/tile')).status).toBe(404);
  });
});

describe('the query', () => {
  it('is read where the route has one, and ignored where it has none', async () => {
    expect((await asked('/registry/log?after=7&limit=10&from=1&x=y'))?.query).toEqual({ after: '7', limit: '10' });
    expect((await asked('/registry/audit?after=0'))?.query).toEqual({ after: '0' });
    expect((await asked('/registry/consistency?from=1&to=2'))?.query).toEqual({ from: '1', to: '2' });
    expect((await asked('/registry/head?after=x'))?.query).toEqual({});
  });

  it.each(['after=', 'after=01', 'after=+1', 'after=1e3', 'after=-1', `after=${'9'.repeat(17)}`, 'limit=1&limit=2'])(
    'is refused when it is %s',
    async (query) => {
      const response = await call(`/registry/log?${query}`);
      expect(response.status).toBe(400);
      expect(await codeOf(response)).toBe('bad_request');
      expect(desk.calls).toEqual([]);
    },
  );
});

describe('a request that is refused before it is asked', () => {
  it('has a path parameter that is too long', async () => {
    expect(await codeOf(await call(`/registry/proposals/${'a'.repeat(257)}`))).toBe('bad_request');
  });

  it('has a condition no honest client sends', async () => {
    const response = await call('/registry/head', { headers: { 'if-none-match': `"${'a'.repeat(2_000)}"` } });
    expect(await codeOf(response)).toBe('bad_request');
  });

  it.each([
    ['no type', undefined],
    ['text', 'text/plain'],
    ['another charset', 'application/json; charset=latin1'],
  ])('has a body of %s', async (_what, type) => {
    const response = await call('/registry/proposals', {
      method: 'POST',
      body: Buffer.from('{}'),
      headers: type === undefined ? {} : { 'content-type': type },
    });
    expect(response.status).toBe(415);
  });

  it('has an encoded body', async () => {
    expect((await post('/registry/freeze', '{}', { ...JSON_TYPE, 'content-encoding': 'gzip' })).status).toBe(415);
  });

  it('has a body over its limit', async () => {
    const response = await post('/registry/proposals', Buffer.alloc(992 * 1024 + 1, ' '));
    expect(response.status).toBe(413);
    expect((await post('/registry/proposals', Buffer.alloc(992 * 1024, ' '))).status).toBe(200);
    const text = { 'content-type': 'text/plain' };
    expect((await post('/registry/witness/add-checkpoint', Buffer.alloc(64 * 1024 + 1), text)).status).toBe(413);
  });
});

describe('add-checkpoint', () => {
  it('takes text, or bytes of no type, and answers as it likes', async () => {
    desk.answers = () => ({ status: 409, headers: { 'content-type': 'text/x.tlog.size' }, bytes: Buffer.from('7\n') });
    for (const headers of [{ 'content-type': 'text/plain; charset=utf-8' }, {}]) {
      const response = await post('/registry/witness/add-checkpoint', Buffer.from('old 5\n\n'), headers);
      expect(response.status).toBe(409);
      expect(response.headers.get('content-type')).toBe('text/x.tlog.size');
      expect(await response.text()).toBe('7\n');
    }
    expect((await post('/registry/witness/add-checkpoint', '{}')).status).toBe(415);
  });
});

describe('an answer', () => {
  it('is sent with its status, headers and bytes', async () => {
    desk.answers = () => ({
      status: 201,
      headers: { 'content-type': 'application/json', location: '/registry/1', etag: '"b3:1"' },
      bytes: new Uint8Array(Buffer.from('xx{"a":1}xx')).subarray(2, 9),
    });
    const response = await call('/registry/1');
    expect(response.status).toBe(201);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/json',
      'content-length': '7',
      location: '/registry/1',
      etag: '"b3:1"',
    });
    expect(await response.text()).toBe('{"a":1}');
  });

  it('that is not modified has its validators and no body', async () => {
    desk.answers = ({ if_none_match }) => ({
      status: 304,
      headers: { etag: if_none_match ?? '', 'cache-control': 'no-cache' },
    });
    const response = await call('/registry/head', { headers: { 'if-none-match': '"v1-00000000"' } });
    expect(response.status).toBe(304);
    expect(response.headers.get('etag')).toBe('"v1-00000000"');
    expect(response.headers.get('cache-control')).toBe('no-cache');
    expect(await response.text()).toBe('');
  });

  it('that is an error has the envelope', async () => {
    desk.answers = () => {
      throw new ServiceError('saturated', undefined, { retryAfterMs: 2_500 });
    };
    const response = await call('/registry/log');
    expect(response.status).toBe(429);
    expect(response.headers.get('retry-after')).toBe('3');
    expect(await codeOf(response)).toBe('saturated');
  });

  it('of many pieces arrives whole', async () => {
    desk.answers = () => ({ status: 200, headers: { 'content-type': 'application/x-ndjson' }, body: pieces(100) });
    const response = await call('/registry/log');
    expect((await response.arrayBuffer()).byteLength).toBe(100 * 65_536);
  });

  it('without a body at all is empty', async () => {
    desk.answers = () => ({ status: 200, headers: {} });
    expect(await (await call('/registry/log')).text()).toBe('');
  });

  it('that fails on its way ends in a broken connection, and is counted as what it was', async () => {
    desk.answers = () => ({ status: 200, headers: {}, body: failing() });
    const response = await call('/registry/log');
    await expect(response.arrayBuffer()).rejects.toThrow();
    const series = 'http_requests_total{service="registry",route="/registry/log",method="GET",code="502"}';
    await until(async () => (await log.metric(series)) === 1, 'the failure to be counted');
  });

  it('is let go of when its client leaves, and no faster than it reads', async () => {
    let sent = 0;
    let ended = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          await Promise.resolve();
          sent += 1;
          yield Buffer.alloc(65_536);
        }
      } finally {
        ended = true;
      }
    }
    desk.answers = () => ({ status: 200, headers: {}, body: endless() });
    const request = httpRequest(`${log.url}/registry/log`, (response) => response.pause());
    request.on('error', () => undefined);
    request.end();
    let before = -1;
    await until(() => {
      const stands = sent > 0 && sent === before;
      before = sent;
      return stands;
    }, 'the source to stand still');
    expect(sent).toBeLessThan(1_000);
    request.destroy();
    await until(() => ended, 'the source to be let go of');
  });
});

async function* pieces(count: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i += 1) {
    await Promise.resolve();
    yield Buffer.alloc(65_536, i);
  }
}

async function* failing(): AsyncGenerator<Uint8Array> {
  yield Buffer.alloc(10);
  await new Promise(setImmediate);
  throw new ServiceError('integrity');
}
