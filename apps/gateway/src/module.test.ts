import { request as httpRequest } from 'node:http';
import { InProcessLink } from '@macronode/bus';
import { hashBytes } from '@macronode/content';
import { ErrorEnvelope, openApiDocument } from '@macronode/contracts';
import { startNode } from '@macronode/service';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BootedGateway, GATEWAY_ENV, JSON_TYPE, NOWHERE, sample, streamOf, until } from './booted-gateway.ts';
import { gatewayService } from './index.ts';

const gateway = new BootedGateway();
const { call, omnigate } = gateway;
beforeAll(() => gateway.start());
afterAll(() => gateway.close());
beforeEach(() => {
  omnigate.failReadAfter = undefined;
});

describe('storing', () => {
  it.each([0, 1, 65_536, 65_537, 300_000])('takes %i bytes under their id, once', async (size) => {
    const bytes = sample(size);
    const id = hashBytes(bytes);
    const first = await call(`/o/${id}`, { method: 'PUT', body: bytes });
    expect(first.status).toBe(201);
    expect(first.headers.get('location')).toBe(`/o/${id}`);
    expect(first.headers.get('etag')).toBe(`"${id}"`);
    expect(await first.json()).toEqual({ id, size });
    const again = await call(`/o/${id}`, { method: 'PUT', body: bytes });
    expect(again.status).toBe(200);
    expect(await again.json()).toEqual({ id, size });
    expect(omnigate.objects.get(id)?.equals(bytes)).toBe(true);
  });

  it('names bytes it is given without an id, sized or chunked, of any type', async () => {
    for (const body of [sample(1_234), streamOf(sample(200_123))]) {
      const response = await call('/o', {
        method: 'POST',
        body,
        duplex: 'half',
        headers: { 'content-type': 'image/png' },
      });
      expect(response.status).toBe(201);
      const { id, size } = (await response.json()) as { id: string; size: number };
      expect(omnigate.objects.get(id)?.length).toBe(size);
    }
  });

  it('refuses bytes that are not those of the id', async () => {
    const response = await call(`/o/${NOWHERE}`, { method: 'PUT', body: sample(100_000) });
    expect(response.status).toBe(422);
    expect(omnigate.objects.has(NOWHERE)).toBe(false);
  });

  it('with If-None-Match: * refuses what is there, known by id or by content', async () => {
    const id = await gateway.put(sample(777));
    const headers = { 'if-none-match': '*' };
    expect((await call(`/o/${id}`, { method: 'PUT', body: sample(777), headers })).status).toBe(412);
    expect((await call('/o', { method: 'POST', body: sample(777), headers })).status).toBe(412);
  });

  it('forgets an upload its client leaves', async () => {
    const broken = omnigate.brokenUploads;
    const line = 'gateway_uploads_aborted_total{service="gateway",reason="client"}';
    const counted = await gateway.metric(line);
    const request = httpRequest(`${gateway.url}/o`, { method: 'POST', headers: { 'content-length': '1000000' } });
    request.on('error', () => undefined);
    request.write(sample(300_000), () => request.destroy());
    await until(() => omnigate.brokenUploads === broken + 1, 'storage was told');
    await until(async () => (await gateway.metric(line)) === counted + 1, 'the upload was counted');
  });
});

describe('a storage that is gone', () => {
  it('after the last byte, leaves an unknown outcome, and not an hour of waiting', async () => {
    omnigate.silentCommits = true;
    const response = await call('/o', { method: 'POST', body: sample(100_000) });
    omnigate.silentCommits = false;
    expect(response.status).toBe(503);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(ErrorEnvelope.parse(await response.json()).error).toMatchObject({
      code: 'outcome_unknown',
      retryable: true,
    });
  });
});

describe('reading', () => {
  it.each([0, 1, 65_536, 400_001])('gives %i bytes back with all the headers', async (size) => {
    const bytes = sample(size);
    const id = await gateway.put(bytes);
    const response = await call(`/o/${id}`);
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      etag: `"${id}"`,
      'accept-ranges': 'bytes',
      'content-length': String(size),
      'content-type': 'application/octet-stream',
      'cache-control': 'public, max-age=31536000, immutable, no-transform',
      'x-content-type-options': 'nosniff',
      'content-disposition': 'attachment',
    });
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
  });

  it('answers HEAD with the headers of GET, whatever range is asked for', async () => {
    const id = await gateway.put(sample(1_000));
    const get = await call(`/o/${id}`);
    const head = await call(`/o/${id}`, { method: 'HEAD', headers: { range: 'bytes=0-1' } });
    expect(head.status).toBe(200);
    // fetch itself asks for the end of the connection with HEAD.
    const compared = (response: Response): object =>
      Object.fromEntries(
        [...response.headers].filter(([name]) => !/^(date|x-corr-id|connection|keep-alive)$/.test(name)),
      );
    expect(compared(head)).toEqual(compared(get));
    expect(await head.text()).toBe('');
  });

  it('sends the range asked for', async () => {
    const bytes = sample(200_000);
    const id = await gateway.put(bytes);
    for (const [range, start, end] of [
      ['bytes=0-9', 0, 10],
      ['bytes=100000-', 100_000, 200_000],
      ['bytes=199999-300000', 199_999, 200_000],
    ] as const) {
      const response = await call(`/o/${id}`, { headers: { range } });
      expect(response.status).toBe(206);
      expect(response.headers.get('content-range')).toBe(`bytes ${start}-${end - 1}/200000`);
      expect(response.headers.get('content-length')).toBe(String(end - start));
      expect(Buffer.from(await response.arrayBuffer()).equals(bytes.subarray(start, end))).toBe(true);
    }
  });

  it('says 304 with its validators, 412 and 416 with the size', async () => {
    const id = await gateway.put(sample(1_000));
    const current = await call(`/o/${id}`, { headers: { 'if-none-match': `"${id}"` } });
    expect(current.status).toBe(304);
    expect(current.headers.get('etag')).toBe(`"${id}"`);
    expect(current.headers.get('cache-control')).toContain('immutable');
    expect((await call(`/o/${id}`, { headers: { 'if-match': '"other"' } })).status).toBe(412);
    const beyond = await call(`/o/${id}`, { headers: { range: 'bytes=1000-' } });
    expect(beyond.status).toBe(416);
    expect(beyond.headers.get('content-range')).toBe('bytes */1000');
    expect(ErrorEnvelope.parse(await beyond.json()).error.code).toBe('range_not_satisfiable');
  });

  it('serves an object by name, cached briefly and told by id', async () => {
    const bytes = sample(70_000);
    const id = await gateway.put(bytes);
    const name = gateway.publish('docs.example', id);
    const response = await call(`/n/${name}`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-location')).toBe(`/o/${id}`);
    expect(response.headers.get('cache-control')).toBe('public, max-age=5');
    expect(response.headers.get('etag')).toBe(`"${id}"`);
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
    const head = await call(`/n/${name}`, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe('70000');
    expect((await call(`/n/${name}`, { headers: { 'if-none-match': `"${id}"` } })).status).toBe(304);
    expect((await call('/n/nobody')).status).toBe(404);
  });

  it('tells storage when the client leaves', async () => {
    const id = await gateway.put(sample(8_000_000));
    const cancelled = omnigate.cancelledReads;
    const client = new AbortController();
    const response = await call(`/o/${id}`, { signal: client.signal });
    await response.body?.getReader().read();
    client.abort();
    await until(() => omnigate.cancelledReads > cancelled, 'the stream was cancelled');
  });

  it('answers damage before the first byte, and cuts the connection after it', async () => {
    const small = await gateway.put(sample(1_001));
    const large = await gateway.put(sample(500_000));
    omnigate.failReadAfter = 0;
    const refused = await call(`/o/${small}`);
    expect(refused.status).toBe(502);
    expect(ErrorEnvelope.parse(await refused.json()).error.code).toBe('integrity');
    omnigate.failReadAfter = 200_000;
    await expect(call(`/o/${large}`).then((response) => response.arrayBuffer())).rejects.toThrow();
  });
});

describe('names', () => {
  it('shows the record with its tag, and 304 to who has it', async () => {
    const name = gateway.publish('a.b', NOWHERE);
    const response = await call(`/names/${name}`);
    const etag = response.headers.get('etag') ?? '';
    expect(etag).toBe(`"b3:${'1'.repeat(64)}"`);
    expect(response.headers.get('cache-control')).toBe('public, max-age=5');
    expect(await response.json()).toMatchObject({ record: { name, target: NOWHERE } });
    const current = await call(`/names/${name}`, { headers: { 'if-none-match': `"x", W/${etag}` } });
    expect(current.status).toBe(304);
    expect(current.headers.get('etag')).toBe(etag);
    expect((await call(`/names/${name}`, { headers: { 'if-match': '"x"' } })).status).toBe(412);
  });

  it('publishes, saying whether the name is new', async () => {
    const name = gateway.publish('c', NOWHERE);
    const body = JSON.stringify({ target: NOWHERE });
    const response = await call(`/names/${name}`, { method: 'PUT', body, headers: JSON_TYPE });
    expect(response.status).toBe(200);
    expect(response.headers.get('etag')).toMatch(/^"b3:/);
    const refused = await call(`/names/${name}`, {
      method: 'PUT',
      body,
      headers: { ...JSON_TYPE, 'if-none-match': '*' },
    });
    expect(refused.status).toBe(412);
  });

  it('takes names of 253 characters, percent-encoded or not', async () => {
    const name = gateway.publish(`${'x'.repeat(126)}.${'y'.repeat(126)}`, NOWHERE);
    expect((await call(`/names/${name}`)).status).toBe(200);
    const encoded = name.replaceAll(/./g, (c) => `%${c.charCodeAt(0).toString(16)}`);
    expect((await call(`/names/${encoded}`)).status).toBe(200);
  });
});

describe('the mailbox', () => {
  it('passes on what is asked, with defaults, and what is answered', async () => {
    let asked: unknown;
    omnigate.mailbox = (payload) => {
      asked = payload;
      return { messages: [] };
    };
    const body = JSON.stringify({ topic: 't' });
    const response = await call('/mailbox/recv', { method: 'POST', body, headers: JSON_TYPE });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ messages: [] });
    expect(asked).toMatchObject({ topic: 't', max_messages: 32, wait_ms: 0 });
  });

  it('gives a long poll the time it asks for', async () => {
    let left = 0;
    omnigate.mailbox = (_payload, context) => {
      left = context.remainingMs();
      return { messages: [] };
    };
    const body = JSON.stringify({ topic: 't', wait_ms: 20_000 });
    await call('/mailbox/recv', { method: 'POST', body, headers: JSON_TYPE });
    expect(left).toBeGreaterThan(20_000);
  });

  it('lets go of a poll whose client leaves', async () => {
    omnigate.mailbox = (_payload, context) => omnigate.hold(context);
    const { waiting } = omnigate;
    const series = 'http_requests_total{service="gateway",route="/mailbox/recv",method="POST",code="499"}';
    const left = await gateway.metric(series);
    const client = new AbortController();
    const body = JSON.stringify({ topic: 't', wait_ms: 20_000 });
    const init = { method: 'POST', body, headers: JSON_TYPE, signal: client.signal };
    const answer = call('/mailbox/recv', init).catch((error: unknown) => error);
    await until(() => omnigate.waiting === waiting + 1, 'the poll waits');
    client.abort();
    await answer;
    await until(async () => (await gateway.metric(series)) === left + 1, 'the poll was counted');
    expect(await gateway.metric('gateway_admitted_requests{service="gateway"}')).toBe(0);
  });
});

describe('the in-flight gate', () => {
  it('refuses writes first, then reads, and opens again', async () => {
    omnigate.mailbox = (_payload, context) => omnigate.hold(context);
    const before = omnigate.waiting;
    const clients = new AbortController();
    const body = JSON.stringify({ topic: 't', wait_ms: 20_000 });
    const poll = (): Promise<unknown> =>
      call('/mailbox/recv', { method: 'POST', body, headers: JSON_TYPE, signal: clients.signal }).catch(
        () => undefined,
      );
    // 8 in all, of which 7 may be writes.
    const polls = Array.from({ length: 7 }, poll);
    await until(() => omnigate.waiting === before + 7, 'seven polls wait');
    const refused = await call('/mailbox/recv', { method: 'POST', body, headers: JSON_TYPE });
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(ErrorEnvelope.parse(await refused.json()).error).toMatchObject({ code: 'busy', reason: 'inflight_writes' });
    expect((await call('/openapi.json')).status).toBe(200);
    expect(await gateway.metric('rejected_total{service="gateway",reason="inflight_writes"}')).toBeGreaterThan(0);
    clients.abort();
    await Promise.all(polls);
    await until(
      async () => (await gateway.metric('gateway_admitted_requests{service="gateway"}')) === 0,
      'every place is free',
    );
  });
});

describe('the surface itself', () => {
  it('is served as OpenAPI', async () => {
    const response = await call('/openapi.json');
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(await response.json()).toEqual(openApiDocument());
    const etag = response.headers.get('etag') ?? '';
    expect((await call('/openapi.json', { headers: { 'if-none-match': etag } })).status).toBe(304);
  });

  it('is ready when the listener is', async () => {
    const response = await gateway.ops('/readyz');
    expect(response.status).toBe(200);
  });

  it('counts bytes both ways, under the template of the route', async () => {
    const count = (direction: string): Promise<number> =>
      gateway.metric(`gateway_body_bytes_total{service="gateway",direction="${direction}"}`);
    const [before, sent] = [await count('in'), await count('out')];
    const id = await gateway.put(sample(12_345));
    await (await call(`/o/${id}`)).arrayBuffer();
    expect((await count('in')) - before).toBe(12_345);
    expect((await count('out')) - sent).toBe(12_345);
    const text = await (await gateway.ops('/metrics')).text();
    expect(text).toMatch(/http_requests_total\{[^}]*route="\/o\/\{id\}"/);
  });

  it('says so when nobody is behind it', async () => {
    const lonely = new InProcessLink();
    await lonely.start();
    await using alone = await startNode({
      services: [gatewayService],
      profile: 'micronode',
      env: GATEWAY_ENV,
      link: lonely,
    });
    const response = await fetch(`${alone.httpUrl ?? ''}/o/${NOWHERE}`);
    expect(response.status).toBe(502);
    expect(ErrorEnvelope.parse(await response.json()).error).toMatchObject({ code: 'no_responders', retryable: true });
    await alone.close();
    await lonely.close();
  });
});
