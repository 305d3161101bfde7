import { Agent } from 'node:http';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { ContentHasher, hashBytes } from '@macronode/content';
import { LIMITS, ObjectStored, ROUTES } from '@macronode/contracts';
import { Client, client, headerOf, openSocket, refused } from './client.ts';
import { absentId, byteChunks, freshObject, streamOf, unique } from './content.ts';
import { sumOf } from './metrics-text.ts';
import { until } from './poll.ts';
import { target } from './target.ts';

const CHUNK = LIMITS.chunk_bytes.value;
const IMMUTABLE = 'public, max-age=31536000, immutable, no-transform';

async function stored(size: number): Promise<{ bytes: Buffer; id: string; path: string }> {
  const object = freshObject(size);
  const reply = await client.put(`/o/${object.id}`, object.bytes);
  expect(reply.status, reply.text).toBe(201);
  return { ...object, path: `/o/${object.id}` };
}

const inflight = (template: string): Promise<number> => sumOf('gateway', 'inflight_requests', { route: template });

describe('storing', () => {
  test('PUT answers 201 with location, tag and size, and 200 when the object is already there', async () => {
    const { bytes, id } = freshObject(1_000);
    const first = await client.put(`/o/${id}`, bytes);
    expect(first.status).toBe(201);
    expect(headerOf(first, 'location')).toBe(`/o/${id}`);
    expect(headerOf(first, 'etag')).toBe(`"${id}"`);
    expect(ObjectStored.parse(first.json())).toEqual({ id, size: 1_000 });
    const again = await client.put(`/o/${id}`, bytes);
    expect(again.status).toBe(200);
    expect(ObjectStored.parse(again.json())).toEqual({ id, size: 1_000 });
  });

  test('POST names the id, and 200 when the object is already there', async () => {
    const { bytes, id } = freshObject(70_000);
    const first = await client.post('/o', bytes);
    expect(first.status).toBe(201);
    expect(headerOf(first, 'location')).toBe(`/o/${id}`);
    expect(headerOf(first, 'etag')).toBe(`"${id}"`);
    expect(ObjectStored.parse(first.json())).toEqual({ id, size: 70_000 });
    expect((await client.post('/o', bytes)).status).toBe(200);
  });

  test('bytes that do not hash to the id are refused and nothing of them is stored', async () => {
    const claimed = freshObject(100_000);
    const sent = freshObject(100_000);
    expect(refused(await client.put(`/o/${claimed.id}`, sent.bytes))).toEqual({ status: 422, code: 'digest_mismatch' });
    expect((await client.get(`/o/${claimed.id}`)).status).toBe(404);
    expect((await client.get(`/o/${sent.id}`)).status).toBe(404);
  });

  test('If-None-Match: * stores a new object and refuses a present one', async () => {
    const { bytes, id } = freshObject(500);
    const once = { 'if-none-match': '*' };
    expect((await client.put(`/o/${id}`, bytes, once)).status).toBe(201);
    expect(refused(await client.put(`/o/${id}`, bytes, once))).toEqual({ status: 412, code: 'precondition_failed' });
  });

  test('a declared length over the limit is refused before a byte of it is sent', async () => {
    const id = absentId();
    const { request, response } = await client
      .open({
        method: 'PUT',
        path: `/o/${id}`,
        headers: { 'content-length': String(LIMITS.max_object_bytes.value + 1), expect: '100-continue' },
        body: streamOf(0, 'none'),
      })
      .catch((error: unknown) => {
        throw new Error('no answer to a body over the limit', { cause: error });
      });
    expect(response.statusCode).toBe(413);
    request.destroy();
  });

  test('a content encoding is refused: the bytes are the object', async () => {
    const { bytes, id } = freshObject(50);
    const reply = await client.put(`/o/${id}`, bytes, { 'content-encoding': 'gzip' });
    expect(refused(reply)).toEqual({ status: 415, code: 'unsupported_media_type' });
    expect((await client.put(`/o/${id}`, bytes, { 'content-encoding': 'identity' })).status).toBe(201);
  });

  test('the same object from many clients at once is stored once', async () => {
    const { bytes, id } = freshObject(200_000);
    const replies = await Promise.all(Array.from({ length: 8 }, () => client.put(`/o/${id}`, bytes)));
    expect(replies.map(({ status }) => status).filter((status) => status !== 200)).toEqual([201]);
    expect((await client.get(`/o/${id}`)).bytes.equals(bytes)).toBe(true);
  });
});

describe('sizes', () => {
  const sizes = [
    0,
    1,
    16 * 1024,
    16 * 1024 + 1,
    CHUNK - 1,
    CHUNK,
    CHUNK + 1,
    2 * CHUNK - 1,
    2 * CHUNK,
    2 * CHUNK + 1,
    1_000_003,
  ];

  test.each(sizes)('%i bytes come back as they went in, by PUT and by POST', async (size) => {
    const { bytes, id } = freshObject(size);
    const put = await client.put(`/o/${id}`, bytes);
    // There are few objects this small: another test or run may have stored it.
    expect(size < 2 ? [200, 201] : [201]).toContain(put.status);
    expect(ObjectStored.parse((await client.post('/o', bytes)).json())).toEqual({ id, size });
    const read = await client.get(`/o/${id}`);
    expect(read.status).toBe(200);
    expect(headerOf(read, 'content-length')).toBe(String(size));
    expect(hashBytes(read.bytes)).toBe(id);
  });

  test.each([10, 64])('%i MiB stream in without a length and out again', async (mebibytes) => {
    const size = mebibytes * 1024 * 1024;
    const seed = unique('stream');
    const hasher = new ContentHasher();
    for (const chunk of byteChunks(size, seed)) hasher.update(chunk);
    const id = hasher.digest();
    const reply = await client.post('/o', streamOf(size, seed));
    expect(reply.status, reply.text).toBe(201);
    expect(ObjectStored.parse(reply.json())).toEqual({ id, size });
    const { response } = await client.open({ method: 'GET', path: `/o/${id}` });
    const back = new ContentHasher();
    let received = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      back.update(chunk);
      received += chunk.length;
    }
    expect(received).toBe(size);
    expect(back.digest()).toBe(id);
  });
});

describe('reading', () => {
  test('GET and HEAD give the same headers, and GET the bytes', async () => {
    const { bytes, id, path } = await stored(100_000);
    const get = await client.get(path);
    const head = await client.head(path);
    expect([get.status, head.status]).toEqual([200, 200]);
    expect(get.bytes.equals(bytes)).toBe(true);
    expect(head.bytes.length).toBe(0);
    for (const reply of [get, head]) {
      expect(reply.headers).toMatchObject({
        etag: `"${id}"`,
        'content-length': '100000',
        'accept-ranges': 'bytes',
        'cache-control': IMMUTABLE,
        'content-type': 'application/octet-stream',
        'content-disposition': 'attachment',
        'x-content-type-options': 'nosniff',
      });
      expect(reply.headers).not.toHaveProperty('content-encoding');
    }
  });

  test('an object that is not there is a 404 for GET and HEAD', async () => {
    const id = absentId();
    expect(refused(await client.get(`/o/${id}`))).toEqual({ status: 404, code: 'not_found' });
    const head = await client.head(`/o/${id}`);
    expect(head.status).toBe(404);
    expect(head.bytes.length).toBe(0);
  });

  test('conditions are judged in the order of RFC 9110', async () => {
    const { id, path } = await stored(1_000);
    const other = absentId();
    const cases: [Record<string, string>, number][] = [
      [{ 'if-none-match': `"${id}"` }, 304],
      [{ 'if-none-match': `W/"${id}"` }, 304],
      [{ 'if-none-match': `"${other}", "${id}"` }, 304],
      [{ 'if-none-match': '*' }, 304],
      [{ 'if-none-match': `"${other}"` }, 200],
      [{ 'if-match': `"${id}"` }, 200],
      [{ 'if-match': '*' }, 200],
      [{ 'if-match': `"${other}", "${id}"` }, 200],
      [{ 'if-match': `"${other}"` }, 412],
      [{ 'if-match': `W/"${id}"` }, 412],
      [{ 'if-match': `"${other}"`, 'if-none-match': `"${id}"` }, 412],
      [{ 'if-match': `"${id}"`, 'if-none-match': `"${id}"` }, 304],
      [{ 'if-none-match': `"${id}"`, range: 'bytes=0-1' }, 304],
      [{ 'if-none-match': `"${id}"`, range: 'bytes=9999-' }, 304],
    ];
    for (const [headers, status] of cases) {
      expect((await client.get(path, headers)).status, `GET ${JSON.stringify(headers)}`).toBe(status);
      expect((await client.head(path, headers)).status, `HEAD ${JSON.stringify(headers)}`).toBe(status);
    }
  });

  test('304 repeats the tag and the caching rules and has no body', async () => {
    const { id, path } = await stored(1_000);
    const reply = await client.get(path, { 'if-none-match': `"${id}"` });
    expect(reply.bytes.length).toBe(0);
    expect(reply.headers).toMatchObject({ etag: `"${id}"`, 'cache-control': IMMUTABLE });
  });
});

describe('ranges', () => {
  const SIZE = 3 * CHUNK + 77;

  test('first, open and suffix ranges, within and across chunks', async () => {
    const { bytes, id, path } = await stored(SIZE);
    const cases: [string, number, number][] = [
      ['bytes=0-0', 0, 1],
      ['bytes=0-99', 0, 100],
      [`bytes=${CHUNK - 1}-${CHUNK}`, CHUNK - 1, CHUNK + 1],
      [`bytes=${CHUNK}-${2 * CHUNK - 1}`, CHUNK, 2 * CHUNK],
      [`bytes=10-${SIZE + 1_000}`, 10, SIZE],
      [`bytes=${2 * CHUNK + 5}-`, 2 * CHUNK + 5, SIZE],
      [`bytes=${SIZE - 1}-`, SIZE - 1, SIZE],
      ['bytes=-1', SIZE - 1, SIZE],
      ['bytes=-100', SIZE - 100, SIZE],
      [`bytes=-${SIZE + 5}`, 0, SIZE],
      ['BYTES=5-6', 5, 7],
    ];
    for (const [range, start, end] of cases) {
      const reply = await client.get(path, { range });
      expect(reply.status, range).toBe(206);
      expect(reply.headers, range).toMatchObject({
        'content-range': `bytes ${start}-${end - 1}/${SIZE}`,
        'content-length': String(end - start),
        etag: `"${id}"`,
      });
      expect(reply.bytes.equals(bytes.subarray(start, end)), range).toBe(true);
    }
  });

  test('a range with no byte of the object is 416 and says the size', async () => {
    const { path } = await stored(1_000);
    for (const range of ['bytes=1000-', 'bytes=1000-2000', 'bytes=-0', 'bytes=99999999999999999999-']) {
      const reply = await client.get(path, { range });
      expect(refused(reply), range).toEqual({ status: 416, code: 'range_not_satisfiable' });
      expect(headerOf(reply, 'content-range')).toBe('bytes */1000');
    }
  });

  test('every range of the empty object is 416, and the object itself is 200', async () => {
    const path = `/o/${hashBytes(new Uint8Array(0))}`;
    await client.put(path, new Uint8Array(0));
    for (const range of ['bytes=0-', 'bytes=0-0', 'bytes=-1']) {
      const reply = await client.get(path, { range });
      expect([reply.status, headerOf(reply, 'content-range')], range).toEqual([416, 'bytes */0']);
    }
    expect((await client.get(path)).headers['content-length']).toBe('0');
  });

  test('a header that is no single byte range is ignored', async () => {
    const { bytes, path } = await stored(1_000);
    for (const range of [
      'bytes=5-2',
      'bytes=a-b',
      'bytes=',
      'bytes=-',
      'items=0-1',
      'bytes 0-1',
      'bytes=0-1,5-6',
      `bytes=0-${'9'.repeat(300)}`,
    ]) {
      const reply = await client.get(path, { range });
      expect(reply.status, range).toBe(200);
      expect(reply.bytes.equals(bytes), range).toBe(true);
    }
  });

  test('HEAD ignores Range', async () => {
    const { path } = await stored(1_000);
    for (const range of ['bytes=0-1', 'bytes=5000-']) {
      const reply = await client.head(path, { range });
      expect([reply.status, headerOf(reply, 'content-length'), headerOf(reply, 'content-range')]).toEqual([
        200,
        '1000',
        '',
      ]);
    }
  });

  test('If-Range keeps the range only for the strong tag of the object', async () => {
    const { id, path } = await stored(1_000);
    const range = 'bytes=0-9';
    expect((await client.get(path, { range, 'if-range': `"${id}"` })).status).toBe(206);
    for (const other of [`W/"${id}"`, `"${absentId()}"`, 'Sat, 01 Jan 2000 00:00:00 GMT']) {
      expect((await client.get(path, { range, 'if-range': other })).status, other).toBe(200);
    }
  });
});

describe('broken connections', () => {
  const headOf = (id: string, size: number): string =>
    [
      `PUT /o/${id} HTTP/1.1`,
      'Host: node',
      ...(target.token === undefined ? [] : [`Authorization: Bearer ${target.token}`]),
      `Content-Length: ${size}`,
      'Content-Type: application/octet-stream',
      '\r\n',
    ].join('\r\n');

  test('an upload cut off by its client leaves nothing visible', async () => {
    const { bytes, id } = freshObject(1_000_000);
    const before = await sumOf('gateway', 'inflight_requests', { route: ROUTES.objectPut.template });
    for (const sent of [0, 1, CHUNK, 300_000, 999_999]) {
      const socket = await openSocket();
      socket.on('error', () => undefined);
      await new Promise<void>((done) => {
        socket.write(Buffer.concat([Buffer.from(headOf(id, bytes.length)), bytes.subarray(0, sent)]), () => done());
      });
      socket.destroy();
    }
    await until(async () => (await inflight(ROUTES.objectPut.template)) <= before, {
      what: 'cut off uploads to be let go',
    });
    expect((await client.get(`/o/${id}`)).status).toBe(404);
    expect((await client.put(`/o/${id}`, bytes)).status).toBe(201);
  });

  test('more downloads are broken off than may run at once, and the next one still runs', async () => {
    const { bytes, path } = await stored(4 * 1024 * 1024);
    const agent = new Agent({ keepAlive: false });
    for (let i = 0; i < LIMITS.read_slots.value + 8; i += 1) {
      const { request, response } = await new Client({ agent }).open({ method: 'GET', path });
      expect(response.statusCode).toBe(200);
      request.destroy();
    }
    await until(async () => (await inflight(ROUTES.objectGet.template)) === 0, {
      what: 'broken off downloads to be let go',
    });
    expect((await client.get(path)).bytes.equals(bytes)).toBe(true);
  });

  test('a reader that pauses gets the whole object, and holds nobody else up', async () => {
    const { bytes, path } = await stored(8 * 1024 * 1024);
    const { response } = await client.open({ method: 'GET', path });
    const received: Buffer[] = [];
    for await (const chunk of response as AsyncIterable<Buffer>) {
      received.push(chunk);
      // Another whole read while this one stands still.
      if (received.length === 1) expect((await client.get(path)).bytes.equals(bytes)).toBe(true);
    }
    expect(Buffer.concat(received).equals(bytes)).toBe(true);
  });
});

describe('connections', () => {
  test('Expect: 100-continue is honoured, and answered without the body when the object is there', async () => {
    const { bytes, id } = freshObject(300_000);
    const headers = { expect: '100-continue', 'content-type': 'application/octet-stream' };
    const expecting = new Client({ agent: new Agent({ keepAlive: false }) });
    const asked = Promise.withResolvers<void>();
    const { response } = await expecting.open({
      method: 'PUT',
      path: `/o/${id}`,
      headers: { ...headers, 'content-length': String(bytes.length) },
      body: Readable.from(
        (async function* () {
          await asked.promise;
          yield bytes;
        })(),
        { objectMode: false },
      ),
      onContinue: asked.resolve,
    });
    expect(response.statusCode).toBe(201);
    response.resume();
    const unsent = await expecting.open({
      method: 'PUT',
      path: `/o/${id}`,
      headers: { ...headers, 'content-length': String(bytes.length) },
      body: streamOf(0, 'never'),
    });
    expect(unsent.response.statusCode).toBe(200);
    unsent.request.destroy();
  });

  test('a connection that saw refusals serves the next request', async () => {
    const one = new Client({ agent: new Agent({ keepAlive: true, maxSockets: 1 }) });
    const { bytes, id, path } = await stored(200_000);
    expect((await one.put('/o/nonsense', bytes)).status).toBe(400);
    expect((await one.get(path)).bytes.equals(bytes)).toBe(true);
    expect((await one.put(`/o/${absentId()}`, bytes)).status).toBe(422);
    expect((await one.get(path)).bytes.equals(bytes)).toBe(true);
    expect((await one.put(`/o/${id}`, bytes, { 'if-none-match': '*' })).status).toBe(412);
    expect((await one.put(path, bytes, { 'content-encoding': 'br' })).status).toBe(415);
    expect((await one.get(`/o/${absentId()}`)).status).toBe(404);
    expect((await one.get(path, { range: 'bytes=999999-' })).status).toBe(416);
    expect((await one.head(path)).status).toBe(200);
    expect((await one.get(path)).bytes.equals(bytes)).toBe(true);
  });
});
