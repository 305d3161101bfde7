import { ErrorEnvelope, LIMITS, ServiceError } from '@macronode/contracts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BootedGateway, sample, streamOf } from './booted-gateway.ts';

const gateway = new BootedGateway({ GATEWAY_ECHO: 'true' });
const plain = new BootedGateway();
beforeAll(() => Promise.all([gateway.start(), plain.start()]));
afterAll(() => Promise.all([gateway.close(), plain.close()]));
afterEach(() => {
  gateway.omnigate.echo = (bytes) => bytes;
});

const echo = (init: RequestInit): Promise<Response> => gateway.call('/echo', { method: 'POST', ...init });
const errorOf = async (response: Response): Promise<ErrorEnvelope['error']> =>
  ErrorEnvelope.parse(await response.json()).error;

describe('an echo', () => {
  it.each([0, 1, 1_000, LIMITS.echo_bytes.value])('of %i bytes comes back', async (length) => {
    for (const body of [sample(length), streamOf(sample(length))]) {
      const response = await echo({ body, duplex: 'half', headers: { 'content-type': 'text/html' } });
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe('application/octet-stream');
      expect(response.headers.get('content-length')).toBe(String(length));
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(response.headers.get('content-encoding')).toBeNull();
      expect(response.headers.get('x-corr-id')).toMatch(/^[0-9A-Z]{26}$/);
      expect(Buffer.from(await response.arrayBuffer()).equals(sample(length))).toBe(true);
    }
  });

  it('over its limit is refused, announced or not', async () => {
    const bytes = sample(LIMITS.echo_bytes.value + 1);
    for (const body of [bytes, streamOf(bytes)]) {
      const response = await echo({ body, duplex: 'half' });
      expect(response.status).toBe(413);
      expect(await errorOf(response)).toMatchObject({
        code: 'too_large',
        details: { limit_bytes: LIMITS.echo_bytes.value },
      });
    }
  });

  it('takes no encoded body, and no other method', async () => {
    const encoded = await echo({ body: sample(10), headers: { 'content-encoding': 'gzip' } });
    expect(encoded.status).toBe(415);
    await encoded.arrayBuffer();
    const got = await gateway.call('/echo');
    expect(got.status).toBe(405);
    expect(got.headers.get('allow')).toBe('POST');
    await got.arrayBuffer();
  });

  it('fails with the envelope of what failed behind', async () => {
    gateway.omnigate.echo = () => {
      throw new ServiceError('integrity');
    };
    const response = await echo({ body: sample(10) });
    expect(response.status).toBe(502);
    expect((await errorOf(response)).code).toBe('integrity');
  });

  it('is counted under its template', async () => {
    const series = 'http_requests_total{service="gateway",route="/echo",method="POST",code="200"}';
    const before = await gateway.metric(series);
    await (await echo({ body: sample(10) })).arrayBuffer();
    expect(await gateway.metric(series)).toBe(before + 1);
  });

  it('passes admission like any write', async () => {
    const gate = Promise.withResolvers<void>();
    let waiting = 0;
    gateway.omnigate.echo = async (bytes) => {
      waiting += 1;
      await gate.promise;
      return bytes;
    };
    const held = Array.from({ length: 7 }, () => echo({ body: sample(10) }));
    await expect.poll(() => waiting, { timeout: 10_000 }).toBe(7);
    const refused = await echo({ body: sample(10) });
    expect(refused.status).toBe(503);
    expect(await errorOf(refused)).toMatchObject({ code: 'busy', reason: 'inflight_writes' });
    gate.resolve();
    for (const response of await Promise.all(held)) expect(response.status).toBe(200);
  });
});

describe('without GATEWAY_ECHO', () => {
  it.each(['POST', 'GET'])('there is no such route for %s', async (method) => {
    const response = await plain.call('/echo', { method });
    expect(response.status).toBe(404);
    expect((await errorOf(response)).code).toBe('not_found');
  });
});
