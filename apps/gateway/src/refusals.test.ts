import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ErrorEnvelope, LIMITS } from '@macronode/contracts';
import { BootedGateway, JSON_TYPE, NOWHERE, sample, streamOf } from './booted-gateway.ts';
import { RawClient } from './raw-client.ts';

const gateway = new BootedGateway();
const { call } = gateway;
beforeAll(() => gateway.start());
afterAll(() => gateway.close());

describe('bad input', () => {
  const send = { topic: 't', idem_key: 'k', payload_b64: 'AAAA' };
  const json = (value: unknown): RequestInit => ({ method: 'POST', body: JSON.stringify(value), headers: JSON_TYPE });
  // prettier-ignore
  const rows: [string, string, RequestInit, number, string][] = [
    ['an id that is none', '/o/b3:00', {}, 400, 'bad_id'],
    ['an id in upper case', `/o/b3:${'A'.repeat(64)}`, {}, 400, 'bad_id'],
    ['an id of 200 characters', `/o/${'a'.repeat(200)}`, {}, 400, 'bad_id'],
    ['PUT under an id that is none', '/o/x', { method: 'PUT', body: 'x' }, 400, 'bad_id'],
    ['HEAD of an id that is none', '/o/x', { method: 'HEAD' }, 400, ''],
    ['a name that is none', '/names/A', {}, 400, 'bad_name'],
    ['a name of 254 characters', `/names/${'x'.repeat(126)}.${'y'.repeat(127)}`, {}, 400, 'bad_name'],
    ['a name with a slash in it', '/n/a%2Fb', {}, 400, 'bad_name'],
    ['broken percent-encoding', '/o/%zz', {}, 400, 'bad_request'],
    ['bytes that are not UTF-8', '/names/%ff', {}, 400, 'bad_request'],
    ['an unknown path', '/nothing', {}, 404, 'not_found'],
    ['a path below a route', `/o/${NOWHERE}/more`, {}, 404, 'not_found'],
    ['no object', `/o/${NOWHERE}`, {}, 404, 'not_found'],
    ['an encoded upload', '/o', { method: 'POST', body: 'x', headers: { 'content-encoding': 'gzip' } }, 415, 'unsupported_media_type'],
    ['part of an upload', '/o', { method: 'POST', body: 'x', headers: { 'content-range': 'bytes 0-0/2' } }, 400, 'bad_request'],
    ['an entity tag on an upload', '/o', { method: 'POST', body: 'x', headers: { 'if-none-match': '"a"' } }, 400, 'bad_request'],
    ['a condition of 2,000 characters', `/o/${NOWHERE}`, { headers: { 'if-match': `"${'a'.repeat(2000)}"` } }, 400, 'bad_request'],
    ['JSON without a type', '/mailbox/send', { method: 'POST', body: Buffer.from('{}') }, 415, 'unsupported_media_type'],
    ['JSON as text', '/mailbox/send', { method: 'POST', body: '{}' }, 415, 'unsupported_media_type'],
    ['JSON in Latin-1', '/mailbox/send', { method: 'POST', body: '{}', headers: { 'content-type': 'application/json; charset=latin1' } }, 415, 'unsupported_media_type'],
    ['encoded JSON', '/mailbox/send', { method: 'POST', body: '{}', headers: { ...JSON_TYPE, 'content-encoding': 'br' } }, 415, 'unsupported_media_type'],
    ['no JSON', '/mailbox/send', { method: 'POST', headers: JSON_TYPE }, 400, 'schema'],
    ['half of JSON', '/mailbox/send', { method: 'POST', body: '{"topic"', headers: JSON_TYPE }, 400, 'schema'],
    ['a duplicate key', '/mailbox/send', { method: 'POST', body: '{"topic":"a","topic":"b","idem_key":"k","payload_b64":""}', headers: JSON_TYPE }, 400, 'schema'],
    ['deep JSON', '/mailbox/send', { method: 'POST', body: `${'['.repeat(50)}${']'.repeat(50)}`, headers: JSON_TYPE }, 400, 'schema'],
    ['JSON that is not UTF-8', '/mailbox/send', { method: 'POST', body: Buffer.from([0x22, 0xff, 0x22]), headers: JSON_TYPE }, 400, 'schema'],
    ['an unknown field', '/mailbox/send', json({ ...send, x: 1 }), 400, 'schema'],
    ['a topic that is none', '/mailbox/send', json({ ...send, topic: 'a b' }), 400, 'schema'],
    ['a payload that is not base64', '/mailbox/send', json({ ...send, payload_b64: '%' }), 400, 'schema'],
    ['a wait that is too long', '/mailbox/recv', json({ topic: 't', wait_ms: 60_000 }), 400, 'schema'],
    ['no receipts', '/mailbox/ack', json({ receipts: [] }), 400, 'schema'],
    ['a bad target', '/names/a', { ...json({ target: 'b3:00' }), method: 'PUT' }, 400, 'schema'],
    ['a JSON body over its limit', '/mailbox/send', json('x'.repeat(1_100_000)), 413, 'too_large'],
    ['a chunked JSON body over its limit', '/mailbox/send', { method: 'POST', body: streamOf(sample(1_200_000)), duplex: 'half', headers: JSON_TYPE }, 413, 'too_large'],
  ];

  it.each(rows)('%s', async (_what, path, init, status, code) => {
    const response = await call(path, init);
    expect(response.status).toBe(status);
    expect(response.headers.get('x-corr-id')).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
    if (init.method === 'HEAD') return;
    const { error } = ErrorEnvelope.parse(await response.json());
    expect(error).toMatchObject({ code, retryable: false });
    expect(error.corr_id).toBe(response.headers.get('x-corr-id'));
  });

  it.each([
    ['/o', 'GET', 'POST'],
    ['/o', 'PUT', 'POST'],
    [`/o/${NOWHERE}`, 'POST', 'GET, HEAD, PUT'],
    [`/o/${NOWHERE}`, 'DELETE', 'GET, HEAD, PUT'],
    [`/o/${NOWHERE}`, 'OPTIONS', 'GET, HEAD, PUT'],
    ['/names/a', 'PATCH', 'GET, PUT'],
    ['/names/a', 'HEAD', 'GET, PUT'],
    ['/n/a', 'PUT', 'GET, HEAD'],
    ['/mailbox/send', 'GET', 'POST'],
    ['/openapi.json', 'POST', 'GET'],
  ])('%s does not take %s', async (path, method, allow) => {
    const response = await call(path, { method });
    expect(response.status).toBe(405);
    expect((response.headers.get('allow') ?? '').split(', ').sort().join(', ')).toBe(allow);
  });

  it.each(['TRACE', 'PROPFIND', 'LOCK'])('refuses %s, which no route has', async (method) => {
    using client = new RawClient(gateway.url);
    client.send(`${method} /o HTTP/1.1`, 'host: x');
    const answer = await client.answer();
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('POST');
  });

  it('below HTTP is answered with the envelope too', async () => {
    for (const [lines, status] of [
      [['GET / HTTP/1.1', 'host: x', 'content-length: 1', 'transfer-encoding: chunked'], 400],
      [['hello'], 400],
      [['GET / HTTP/1.1'], 400],
      [['GET / HTTP/1.1', 'host: x', `x-long: ${'a'.repeat(17_000)}`], 431],
    ] as const) {
      using client = new RawClient(gateway.url);
      client.send(...lines);
      const answer = await client.answer();
      expect(answer.status, lines[0]).toBe(status);
      ErrorEnvelope.parse(JSON.parse(answer.body));
    }
  });
});

describe('correlation', () => {
  it.each(['01ARZ3NDEKTSV4RRFFQ69G5FAV', '8f14e45f-ceea-467f-8b6d-1f6f9d3b2a10'])('echoes %s', async (id) => {
    for (const path of ['/openapi.json', `/o/${NOWHERE}`, '/nothing']) {
      const response = await call(path, { headers: { 'x-corr-id': id } });
      expect(response.headers.get('x-corr-id')).toBe(id);
    }
  });

  it.each(['', 'x', 'a'.repeat(300), '<script>'])('replaces %j', async (id) => {
    const response = await call('/openapi.json', { headers: { 'x-corr-id': id } });
    expect(response.headers.get('x-corr-id')).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
  });
});

describe('the connection', () => {
  const upload = (...headers: string[]): string[] => ['POST /o HTTP/1.1', 'host: x', ...headers];

  it('asks for the bytes once they are wanted', async () => {
    using client = new RawClient(gateway.url);
    client.send(...upload('content-length: 3', 'expect: 100-continue'));
    expect((await client.answer()).status).toBe(100);
    client.write('abc');
    expect((await client.answer()).status).toBe(201);
  });

  it.each([
    ['a length over the limit', upload(`content-length: ${LIMITS.max_object_bytes.value + 1}`), 413],
    ['an encoding', upload('content-length: 3', 'content-encoding: gzip'), 415],
    ['a bad id', ['PUT /o/x HTTP/1.1', 'host: x', 'content-length: 3'], 400],
    ['another method', ['POST /openapi.json HTTP/1.1', 'host: x', 'content-length: 3'], 405],
  ])('refuses before it asks: %s', async (_what, lines, status) => {
    using client = new RawClient(gateway.url);
    client.send(...lines, 'expect: 100-continue');
    const answer = await client.answer();
    expect(answer.status).toBe(status);
    expect(answer.headers.get('connection')).toBe('close');
    expect(await client.closed()).toBe(true);
  });

  it('does not ask for bytes it has', async () => {
    const id = await gateway.put(sample(321));
    using client = new RawClient(gateway.url);
    client.send(`PUT /o/${id} HTTP/1.1`, 'host: x', 'content-length: 321', 'expect: 100-continue');
    expect((await client.answer()).status).toBe(200);
    expect(await client.closed()).toBe(true);
  });

  it('stays in step after a refused body that is short', async () => {
    using client = new RawClient(gateway.url);
    for (let i = 0; i < 3; i += 1) {
      client.send('POST /mailbox/send HTTP/1.1', 'host: x', 'content-type: text/plain', 'content-length: 100000');
      const refused = client.answer();
      client.write(sample(100_000));
      expect((await refused).status).toBe(415);
      client.send('GET /openapi.json HTTP/1.1', 'host: x');
      expect((await client.answer()).status).toBe(200);
    }
  });

  it('ends after a refused body that is long, when the client has the answer', async () => {
    using client = new RawClient(gateway.url);
    client.send(...upload('content-length: 900000000', 'content-encoding: gzip'));
    client.write(sample(500_000));
    const answer = await client.answer();
    expect(answer.status).toBe(415);
    expect(answer.headers.get('connection')).toBe('close');
    expect(await client.closed()).toBe(true);
  });

  it('ends in the middle of a body that has grown too long', async () => {
    using client = new RawClient(gateway.url);
    client.send(
      'POST /mailbox/send HTTP/1.1',
      'host: x',
      'content-type: application/json',
      'transfer-encoding: chunked',
    );
    client.write('200000\r\n');
    client.write(Buffer.alloc(0x200000, 0x20));
    const answer = await client.answer();
    expect(answer.status).toBe(413);
    expect(answer.headers.get('connection')).toBe('close');
    expect(await client.closed()).toBe(true);
  });

  it('carries two requests that came together', async () => {
    using client = new RawClient(gateway.url);
    client.write('GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\nGET /nothing HTTP/1.1\r\nhost: x\r\n\r\n');
    expect((await client.answer()).status).toBe(200);
    expect((await client.answer()).status).toBe(404);
  });
});
