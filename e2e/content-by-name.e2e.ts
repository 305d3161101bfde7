import { expect, test } from 'vitest';
import { client, headerOf, refused } from './client.ts';
import { absentId, freshObject, unique } from './content.ts';

async function published(size: number) {
  const object = freshObject(size);
  const name = `${unique('site')}.example`;
  expect((await client.put(`/o/${object.id}`, object.bytes)).status).toBe(201);
  expect((await client.json('PUT', `/names/${name}`, { target: object.id })).status).toBe(201);
  return { ...object, name, path: `/n/${name}` };
}

test('a name is resolved and its object served in one call', async () => {
  const { bytes, id, path } = await published(150_000);
  const get = await client.get(path);
  expect(get.status).toBe(200);
  expect(get.bytes.equals(bytes)).toBe(true);
  const head = await client.head(path);
  expect([head.status, head.bytes.length]).toEqual([200, 0]);
  for (const reply of [get, head]) {
    expect(reply.headers).toMatchObject({
      etag: `"${id}"`,
      'content-location': `/o/${id}`,
      'content-length': '150000',
      'accept-ranges': 'bytes',
    });
    expect(headerOf(reply, 'cache-control'), 'a name may point elsewhere tomorrow').not.toContain('immutable');
  }
});

test('conditions and ranges hold by name as by id', async () => {
  const { bytes, id, path } = await published(1_000);
  expect((await client.get(path, { 'if-none-match': `"${id}"` })).status).toBe(304);
  expect((await client.get(path, { 'if-match': `"${absentId()}"` })).status).toBe(412);
  const part = await client.get(path, { range: 'bytes=-100' });
  expect([part.status, headerOf(part, 'content-range')]).toEqual([206, 'bytes 900-999/1000']);
  expect(part.bytes.equals(bytes.subarray(900))).toBe(true);
  const none = await client.get(path, { range: 'bytes=1000-' });
  expect([none.status, headerOf(none, 'content-range')]).toEqual([416, 'bytes */1000']);
});

test('a new record is seen by the very next read', async () => {
  const { name, path } = await published(100);
  const next = freshObject(200);
  await client.put(`/o/${next.id}`, next.bytes);
  expect((await client.json('PUT', `/names/${name}`, { target: next.id })).status).toBe(200);
  const read = await client.get(path);
  expect([read.status, headerOf(read, 'etag')]).toEqual([200, `"${next.id}"`]);
});

test('an unknown name, and a name whose object is not there, are 404', async () => {
  expect(refused(await client.get(`/n/${unique('nobody')}.example`))).toEqual({ status: 404, code: 'not_found' });
  const name = `${unique('hollow')}.example`;
  await client.json('PUT', `/names/${name}`, { target: absentId() });
  expect(refused(await client.get(`/n/${name}`))).toEqual({ status: 404, code: 'not_found' });
  expect((await client.head(`/n/${name}`)).status).toBe(404);
});
