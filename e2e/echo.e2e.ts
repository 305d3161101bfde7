import { expect, test } from 'vitest';
import { LIMITS } from '@macronode/contracts';
import { client, headerOf, refused } from './client.ts';
import { freshObject } from './content.ts';
import { sumOf } from './metrics-text.ts';
import { until } from './poll.ts';

test('bytes come back from every service, whatever they are', async () => {
  for (const size of [0, 1, 1_000, LIMITS.echo_bytes.value]) {
    const { bytes } = freshObject(size);
    const reply = await client.post('/echo', bytes, { 'content-type': 'text/html' });
    expect(reply.status).toBe(200);
    expect(headerOf(reply, 'content-type')).toBe('application/octet-stream');
    expect(headerOf(reply, 'x-corr-id')).toMatch(/^[0-9A-Z]{26}$/);
    expect(reply.bytes.equals(bytes)).toBe(true);
  }
});

test('many at once each get their own', async () => {
  const sent = Array.from({ length: 64 }, (_, i) => freshObject(100 + i).bytes);
  const replies = await Promise.all(sent.map((bytes) => client.post('/echo', bytes)));
  for (const [i, reply] of replies.entries()) {
    expect(reply.status).toBe(200);
    expect(reply.bytes.equals(sent[i] ?? Buffer.alloc(0))).toBe(true);
  }
});

test('too many bytes, and other methods, are refused', async () => {
  const { bytes } = freshObject(LIMITS.echo_bytes.value + 1);
  expect(refused(await client.post('/echo', bytes))).toEqual({ status: 413, code: 'too_large' });
  expect(refused(await client.get('/echo'))).toEqual({ status: 405, code: 'method_not_allowed' });
});

test('every echo asks omnigate, the index, the storage and the mailbox once', async () => {
  const services = ['omnigate', 'index', 'storage', 'mailbox'] as const;
  const handled = (): Promise<number[]> =>
    Promise.all(
      services.map((service) => sumOf(service, 'bus_handler_seconds_count', { service, subject: `${service}.echo` })),
    );
  const before = await handled();
  for (let i = 0; i < 10; i += 1) await client.post('/echo', 'hello');
  await until(async () => (await handled()).every((count, i) => count === (before[i] ?? 0) + 10), {
    what: 'ten echoes in each service',
  });
});
