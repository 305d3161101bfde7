import { describe, expect, test } from 'vitest';
import { ERRORS, isErrorCode } from '@macronode/contracts';
import { client, headerOf, refusal, type Reply } from './client.ts';
import { absentId, freshObject, unique } from './content.ts';

const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/i;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const json = { 'content-type': 'application/json' };

const refusals: [string, () => Promise<Reply>][] = [
  ['bad_id', () => client.get('/o/nonsense')],
  ['bad_name', () => client.get('/names/NO')],
  ['schema', () => client.post('/mailbox/send', '{}', json)],
  ['not_found', () => client.get(`/o/${absentId()}`)],
  ['not_found', () => client.get('/nowhere')],
  ['method_not_allowed', () => client.send({ method: 'DELETE', path: '/o' })],
  ['digest_mismatch', () => client.put(`/o/${absentId()}`, 'other')],
  ['too_large', () => client.post('/mailbox/ack', Buffer.alloc(1_100_000, '['), json)],
  ['unsupported_media_type', () => client.post('/mailbox/send', '{}', { 'content-type': 'text/plain' })],
];

describe('every refusal', () => {
  test.each(refusals)('%s has the one envelope', async (code, provoke) => {
    const reply = await provoke();
    expect(headerOf(reply, 'content-type')).toMatch(/^application\/json/);
    expect(Object.keys(reply.json() as object)).toEqual(['error']);
    const error = refusal(reply);
    expect(error.code).toBe(code);
    if (!isErrorCode(error.code)) throw new Error(`${error.code} is not in the table`);
    expect(error.status).toBe(ERRORS[error.code].status);
    expect(error.retryable).toBe(ERRORS[error.code].retryable);
    expect(error.corr_id).toBe(headerOf(reply, 'x-corr-id'));
    expect(error.message.length).toBeGreaterThan(0);
    expect(reply.text, 'no stack and no path of the machine').not.toMatch(/\bat .*\.(ts|js):\d|node_modules/);
    if (!error.retryable) expect(reply.headers).not.toHaveProperty('retry-after');
  });
});

describe('the correlation id', () => {
  test.each([
    ['a ULID', '01JD3XZ4K5M6N7P8Q9R0S1T2V3'],
    ['a UUID', '5b0f1a3c-77aa-4d6f-9c1e-2f6f3f9f0a11'],
  ])('%s is kept, on answers and on refusals', async (_what, sent) => {
    const headers = { 'x-corr-id': sent };
    expect(headerOf(await client.get('/openapi.json', headers), 'x-corr-id')).toBe(sent);
    const reply = await client.get(`/o/${absentId()}`, headers);
    expect(headerOf(reply, 'x-corr-id')).toBe(sent);
    expect(refusal(reply).corr_id).toBe(sent);
  });

  test.each([['nothing'], ['free text'], ['<script>'], ['x'.repeat(300)], ['5b0f1a3c-77aa-4d6f-9c1e']])(
    '%s is replaced by a fresh one',
    async (sent) => {
      const reply = await client.get('/nowhere', sent === 'nothing' ? {} : { 'x-corr-id': sent });
      const made = headerOf(reply, 'x-corr-id');
      expect(made).not.toBe(sent);
      expect(ULID.test(made) || UUID.test(made), made).toBe(true);
    },
  );

  test('every request gets its own', async () => {
    const replies = await Promise.all(Array.from({ length: 20 }, () => client.get('/nowhere')));
    expect(new Set(replies.map((reply) => headerOf(reply, 'x-corr-id'))).size).toBe(20);
  });

  test('it comes back through the whole path, uploads and downloads included', async () => {
    const corrId = '01JD3XZ4K5M6N7P8Q9R0S1T2V4';
    const headers = { 'x-corr-id': corrId };
    const { bytes, id } = freshObject(100_000);
    const name = `${unique('corr')}.example`;
    const replies = [
      await client.put(`/o/${id}`, bytes, headers),
      await client.get(`/o/${id}`, headers),
      await client.head(`/o/${id}`, headers),
      await client.get(`/o/${id}`, { ...headers, 'if-none-match': `"${id}"` }),
      await client.get(`/o/${id}`, { ...headers, range: 'bytes=5-9' }),
      await client.json('PUT', `/names/${name}`, { target: id }, headers),
      await client.get(`/n/${name}`, headers),
      await client.json('POST', '/mailbox/recv', { topic: name }, headers),
    ];
    expect(replies.map(({ status }) => status)).toEqual([201, 200, 200, 304, 206, 201, 200, 200]);
    expect(new Set(replies.map((reply) => headerOf(reply, 'x-corr-id')))).toEqual(new Set([corrId]));
  });
});
