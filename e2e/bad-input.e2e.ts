import { describe, expect, test } from 'vitest';
import { LIMITS } from '@macronode/contracts';
import { client, exchange, headerOf, refusal, refused } from './client.ts';
import { freshObject } from './content.ts';

const HEX = 'a'.repeat(64);
const json = { 'content-type': 'application/json' };

describe('ids', () => {
  test.each([
    ['no prefix', HEX],
    ['another prefix', `sha256:${HEX}`],
    ['a short hash', `b3:${'a'.repeat(63)}`],
    ['a long hash', `b3:${'a'.repeat(65)}`],
    ['upper case', `b3:${'A'.repeat(64)}`],
    ['an upper case prefix', `B3:${HEX}`],
    ['a digit that is not hex', `b3:${'g'.repeat(64)}`],
    ['a space at the end', `b3:${HEX}%20`],
    ['a null byte', `b3:${HEX}%00`],
    ['a line end', `b3:${HEX}%0A`],
    ['a dot segment in percent', '%2e%2e%2fetc%2fpasswd'],
    ['letters that look like hex', `b3:${'%D0%B0'.repeat(64)}`],
  ])('%s is no id, for reading and for writing', async (_what, id) => {
    expect(refused(await client.get(`/o/${id}`))).toEqual({ status: 400, code: 'bad_id' });
    expect((await client.head(`/o/${id}`)).status).toBe(400);
    expect(refused(await client.put(`/o/${id}`, 'x'))).toEqual({ status: 400, code: 'bad_id' });
  });

  test('an id may be written with its colon in percent', async () => {
    const { bytes, id } = freshObject(10);
    const path = `/o/${id.replace(':', '%3A')}`;
    expect((await client.put(path, bytes)).status).toBe(201);
    expect((await client.get(path)).bytes.equals(bytes)).toBe(true);
    expect((await client.get(`/o/${id}`)).status).toBe(200);
  });

  test.each(['/o/%', '/o/%zz', '/o/%c3%28', '/names/%ff', '/n/%e0%a4'])(
    '%s is not percent-encoded text',
    async (path) => {
      expect((await client.get(path)).status).toBe(400);
      expect(refusal(await client.get(path)).code).toMatch(/^bad_/);
    },
  );
});

describe('names', () => {
  test.each([
    ['upper case', 'Site.example'],
    ['an empty label', 'a..b'],
    ['a dot at the start', '.a'],
    ['a dot at the end', 'a.'],
    ['a space', 'a%20b'],
    ['a slash', 'a%2Fb'],
    ['another alphabet', 'caf%C3%A9'],
    ['a label too long', 'a'.repeat(129)],
    ['a name too long', `${'a.'.repeat(126)}aa`],
  ])('%s is no name', async (_what, name) => {
    expect(refused(await client.get(`/names/${name}`))).toEqual({ status: 400, code: 'bad_name' });
    expect(refused(await client.get(`/n/${name}`))).toEqual({ status: 400, code: 'bad_name' });
    const body = { target: `b3:${HEX}` };
    expect(refused(await client.json('PUT', `/names/${name}`, body))).toEqual({ status: 400, code: 'bad_name' });
  });

  test.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['a list', '[]'],
    ['null', 'null'],
    ['no target', '{}'],
    ['a target that is no id', '{"target":"b3:1"}'],
    ['an unknown field', `{"target":"b3:${HEX}","extra":1}`],
    ['a prototype', `{"target":"b3:${HEX}","__proto__":{}}`],
    ['a comment', `{"target":"b3:${HEX}"/**/}`],
    ['two values', `{"target":"b3:${HEX}"}{}`],
    ['bytes that are no UTF-8', Buffer.from(`{"target":"\xff"}`, 'latin1')],
    ['a byte order mark', `\ufeff{"target":"b3:${HEX}"}`],
    ['nesting', '['.repeat(100_000)],
  ])('a body with %s is refused', async (_what, body) => {
    expect(refused(await client.put('/names/bad-input.example', body, json))).toEqual({ status: 400, code: 'schema' });
  });
});

describe('bodies', () => {
  test('JSON over its limit is refused', async () => {
    const body = JSON.stringify({
      topic: 'a',
      idem_key: 'k',
      payload_b64: '',
      pad: 'x'.repeat(LIMITS.json_body_bytes.value),
    });
    expect(refused(await client.post('/mailbox/send', body, json))).toEqual({ status: 413, code: 'too_large' });
  });

  test.each(['/mailbox/send', '/mailbox/recv', '/mailbox/ack'])('%s takes JSON only', async (path) => {
    for (const type of ['text/plain', 'application/octet-stream', 'application/x-www-form-urlencoded']) {
      expect(refused(await client.post(path, '{}', { 'content-type': type }))).toEqual({
        status: 415,
        code: 'unsupported_media_type',
      });
    }
    expect(refused(await client.post(path, '{', json))).toEqual({ status: 400, code: 'schema' });
    expect(refused(await client.post(path, '', json))).toEqual({ status: 400, code: 'schema' });
  });

  test('JSON with its charset named is JSON', async () => {
    const reply = await client.post('/mailbox/recv', '{"topic":"nobody"}', {
      'content-type': 'application/json; charset=utf-8',
    });
    expect(reply.status).toBe(200);
  });
});

describe('routes and methods', () => {
  test.each([
    '/',
    '/o/',
    '/names',
    '/names/',
    '/n/',
    '/nowhere',
    '/mailbox',
    '/mailbox/send/',
    '/v1/o',
    '/metrics',
    '/healthz',
    '/readyz',
    '/admin',
  ])('there is no %s on the public port', async (path) => {
    expect(refused(await client.get(path))).toEqual({ status: 404, code: 'not_found' });
  });

  const id = `/o/b3:${HEX}`;
  test.each([
    ['DELETE', id, 'GET, HEAD, PUT'],
    ['POST', id, 'GET, HEAD, PUT'],
    ['PATCH', id, 'GET, HEAD, PUT'],
    ['GET', '/o', 'POST'],
    ['PUT', '/o', 'POST'],
    ['POST', '/names/a.b', 'GET, PUT'],
    ['DELETE', '/names/a.b', 'GET, PUT'],
    ['PUT', '/n/a.b', 'GET, HEAD'],
    ['POST', '/n/a.b', 'GET, HEAD'],
    ['GET', '/mailbox/send', 'POST'],
    ['GET', '/mailbox/recv', 'POST'],
    ['PUT', '/mailbox/ack', 'POST'],
    ['POST', '/openapi.json', 'GET'],
    ['DELETE', '/openapi.json', 'GET'],
  ])('%s %s is 405 and says what is allowed', async (method, path, allowed) => {
    const reply = await client.send({ method, path });
    expect(refused(reply)).toEqual({ status: 405, code: 'method_not_allowed' });
    const listed = headerOf(reply, 'allow')
      .split(/, */)
      .filter((word) => word !== 'HEAD' || allowed.includes('HEAD'));
    expect(listed.toSorted().join(', ')).toBe(allowed);
  });

  test('a query is no part of a route', async () => {
    expect((await client.get('/openapi.json?x=1')).status).toBe(200);
  });
});

describe('bytes no client library sends', () => {
  const statusOf = (received: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(received)?.[1]);
  const headersDone = (received: string): boolean => received.includes('\r\n\r\n');

  test('a header over its limit is 431', async () => {
    const sent = `GET /openapi.json HTTP/1.1\r\nHost: n\r\nX-Long: ${'x'.repeat(LIMITS.header_bytes.value + 1_024)}\r\n\r\n`;
    expect(statusOf(await exchange(sent, headersDone))).toBe(431);
  });

  test.each([
    ['no protocol at all', 'hello there\r\n\r\n'],
    ['a header without a name', 'GET /openapi.json HTTP/1.1\r\nHost: n\r\n: x\r\n\r\n'],
    ['a space before the colon', 'GET /openapi.json HTTP/1.1\r\nHost : n\r\n\r\n'],
    ['two lengths', 'POST /o HTTP/1.1\r\nHost: n\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    [
      'a length and chunks',
      'POST /o HTTP/1.1\r\nHost: n\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['a length that is no number', 'POST /o HTTP/1.1\r\nHost: n\r\nContent-Length: many\r\n\r\n'],
    ['a negative length', 'POST /o HTTP/1.1\r\nHost: n\r\nContent-Length: -1\r\n\r\n'],
    ['a chunk size that is no number', 'POST /o HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
  ])('%s is 400 and the connection ends', async (_what, sent) => {
    expect(statusOf(await exchange(sent, () => false))).toBe(400);
  });

  test('a request without a host is 400', async () => {
    expect(statusOf(await exchange('GET /openapi.json HTTP/1.1\r\n\r\n', headersDone))).toBe(400);
  });

  test('a refused body does not become the next request', async () => {
    const inner = 'GET /openapi.json HTTP/1.1\r\nHost: n\r\n\r\n';
    const sent = `PUT /o/nonsense HTTP/1.1\r\nHost: n\r\nContent-Length: ${inner.length}\r\n\r\n${inner}GET /nowhere HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n`;
    const received = await exchange(sent, () => false);
    const statuses = [...received.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status);
    expect(statuses[0]).toBe('400');
    expect(statuses, 'the inner request must never be answered').not.toContain('200');
  });
});
