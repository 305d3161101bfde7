import { request } from 'node:http';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { openApiDocument } from '@macronode/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BootedGateway, JSON_TYPE, sample } from './booted-gateway.ts';
import { chooseCoding, identityTags } from './compression.ts';

describe('the coding of an answer', () => {
  it.each([
    [undefined, undefined],
    ['', undefined],
    ['identity', undefined],
    ['br', undefined],
    ['gzip', 'gzip'],
    ['GZIP', 'gzip'],
    ['gzip, deflate, br, zstd', 'zstd'],
    ['zstd;q=0.5, gzip', 'gzip'],
    ['zstd;q=0, gzip;q=0.1', 'gzip'],
    ['*', 'zstd'],
    ['*;q=0', undefined],
    ['gzip;q=0, *', 'zstd'],
    ['identity;q=1, gzip;q=0.5', undefined],
    ['identity;q=0.5, gzip;q=1', 'gzip'],
    ['gzip;q=much', undefined],
    ['gzip ; q=1.000', 'gzip'],
  ])('for %j is %s', (header, coding) => {
    expect(chooseCoding(header)).toBe(coding);
  });

  it('is taken off the tags a client sends back', () => {
    expect(identityTags('"b3:aa-gzip", W/"b3:bb-zstd", "b3:cc", *')).toBe('"b3:aa", W/"b3:bb", "b3:cc", *');
    expect(identityTags('"gzip"')).toBe('"gzip"');
  });
});

const gateway = new BootedGateway();
const uncompressed = new BootedGateway({ COMPRESSION: 'off' });
beforeAll(() => Promise.all([gateway.start(), uncompressed.start()]));
afterAll(() => Promise.all([gateway.close(), uncompressed.close()]));

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Buffer;
}

/** The answer as it is on the wire: fetch would decode it. */
async function wire(path: string, headers: Record<string, string>, node = gateway, body?: string): Promise<Answer> {
  const answered = Promise.withResolvers<Answer>();
  const sent = request(`${node.url}${path}`, { method: body === undefined ? 'GET' : 'POST', headers }, (response) => {
    const pieces: Buffer[] = [];
    response.on('data', (piece: Buffer) => pieces.push(piece));
    response.on('end', () => {
      answered.resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        bytes: Buffer.concat(pieces),
      });
    });
  });
  sent.on('error', answered.reject);
  sent.end(body);
  return answered.promise;
}

const decoders = { gzip: gunzipSync, zstd: zstdDecompressSync } as const;
const decoded = ({ headers, bytes }: Answer): unknown => {
  const coding = headers['content-encoding'];
  const decode = coding === 'gzip' || coding === 'zstd' ? decoders[coding] : (plain: Buffer) => plain;
  return JSON.parse(decode(bytes).toString());
};

describe('a JSON answer', () => {
  it.each(['gzip', 'zstd'])('is compressed as %s, with a tag of its own that conditions take', async (coding) => {
    const plain = await wire('/openapi.json', {});
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(plain.headers['vary']).toBe('accept-encoding');
    const packed = await wire('/openapi.json', { 'accept-encoding': coding });
    expect(packed.headers['content-encoding']).toBe(coding);
    expect(packed.headers['vary']).toBe('accept-encoding');
    expect(packed.headers['content-length']).toBe(String(packed.bytes.length));
    expect(packed.bytes.length).toBeLessThan(plain.bytes.length / 5);
    expect(decoded(packed)).toEqual(openApiDocument());
    const etag = String(packed.headers['etag']);
    expect(etag).toBe(String(plain.headers['etag']).replace(/"$/, `-${coding}"`));
    const again = await wire('/openapi.json', { 'accept-encoding': coding, 'if-none-match': etag });
    expect(again).toMatchObject({ status: 304, headers: { etag, vary: 'accept-encoding' } });
    expect(again.headers['content-encoding']).toBeUndefined();
    expect(again.bytes).toHaveLength(0);
  });

  it('of the mailbox is compressed from its size on', async () => {
    const payload_b64 = Buffer.alloc(3_000, 'a').toString('base64');
    const body = JSON.stringify({ topic: 't' });
    const headers = { ...JSON_TYPE, 'accept-encoding': 'gzip' };
    const message = { id: 'm', receipt: 'r', payload_b64, attempt: 1 };
    gateway.omnigate.mailbox = () => ({ messages: [] });
    const small = await wire('/mailbox/recv', headers, gateway, body);
    expect(small.headers['content-encoding']).toBeUndefined();
    gateway.omnigate.mailbox = () => ({ messages: [message] });
    const large = await wire('/mailbox/recv', headers, gateway, body);
    expect(large.headers['content-encoding']).toBe('gzip');
    expect(decoded(large)).toMatchObject({ messages: [{ payload_b64 }] });
  });

  it('stays as it is with COMPRESSION off', async () => {
    const answer = await wire('/openapi.json', { 'accept-encoding': 'gzip, zstd' }, uncompressed);
    expect(answer.headers['content-encoding']).toBeUndefined();
    expect(decoded(answer)).toEqual(openApiDocument());
  });
});

describe('a name', () => {
  it('can be read and written under the tag of its compressed form', async () => {
    const name = gateway.publish('compressed.example', await gateway.put(sample(10)));
    const etag = `"b3:${'1'.repeat(64)}-gzip"`;
    const current = await wire(`/names/${name}`, { 'if-none-match': etag });
    expect(current).toMatchObject({ status: 304, headers: { etag, vary: 'accept-encoding' } });
    expect((await wire(`/names/${name}`, { 'if-match': etag })).status).toBe(200);
    const published = await gateway.call(`/names/${name}`, {
      method: 'PUT',
      headers: { ...JSON_TYPE, 'if-match': etag },
      body: JSON.stringify({ target: `b3:${'0'.repeat(64)}` }),
    });
    expect(published.status).toBe(200);
    expect(gateway.omnigate.lastIfMatch).toBe(`"b3:${'1'.repeat(64)}"`);
  });
});

describe('an object', () => {
  it('is never compressed: its tag and its ranges are of the bytes that were stored', async () => {
    const id = await gateway.put(Buffer.alloc(20_000, 'a'));
    const accepting = { 'accept-encoding': 'gzip, zstd' };
    const whole = await wire(`/o/${id}`, accepting);
    expect(whole.headers).toMatchObject({ etag: `"${id}"`, 'content-length': '20000' });
    expect(whole.headers['content-encoding']).toBeUndefined();
    expect(whole.headers['vary']).toBeUndefined();
    const part = await wire(`/o/${id}`, { ...accepting, range: 'bytes=10-19' });
    expect(part).toMatchObject({ status: 206, headers: { etag: `"${id}"` }, bytes: Buffer.alloc(10, 'a') });
    const named = await wire(`/n/${gateway.publish('object.example', id)}`, accepting);
    expect(named.headers['content-encoding']).toBeUndefined();
    expect(named.bytes).toHaveLength(20_000);
  });
});
