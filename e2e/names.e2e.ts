import { describe, expect, test } from 'vitest';
import { NameRecord } from '@macronode/contracts';
import { client, headerOf, refused } from './client.ts';
import { absentId, unique } from './content.ts';
import { Owner, isSigned } from './name-records.ts';

const freshName = (): string => `${unique('e2e')}.example`;
const target = (): string => absentId();
const put = (name: string, value: unknown, headers: Record<string, string> = {}) =>
  client.json('PUT', `/names/${name}`, value, headers);

describe('records signed by the node', () => {
  test('the first answers 201 and the next 200 with a higher sequence', async () => {
    const name = freshName();
    const [first, second] = [target(), target()];
    const created = await put(name, { target: first });
    expect(created.status, created.text).toBe(201);
    const record = NameRecord.parse(created.json());
    expect(record.record).toMatchObject({ name, target: first, v: 1 });
    expect(isSigned(record)).toBe(true);
    const updated = await put(name, { target: second });
    expect(updated.status).toBe(200);
    const next = NameRecord.parse(updated.json());
    expect(next.record.target).toBe(second);
    expect(next.record.seq).toBeGreaterThan(record.record.seq);
    expect(next.record.owner).toBe(record.record.owner);
    expect(headerOf(updated, 'etag')).not.toBe(headerOf(created, 'etag'));
  });

  test('GET gives the record as stored, with its tag, and 304 for that tag', async () => {
    const name = freshName();
    const created = await put(name, { target: target() });
    const read = await client.get(`/names/${name}`);
    expect(read.status).toBe(200);
    expect(read.json()).toEqual(created.json());
    const etag = headerOf(read, 'etag');
    expect(etag).toMatch(/^"b3:[0-9a-f]{64}"$/);
    expect(etag).toBe(headerOf(created, 'etag'));
    const cached = await client.get(`/names/${name}`, { 'if-none-match': etag });
    expect([cached.status, cached.bytes.length, headerOf(cached, 'etag')]).toEqual([304, 0, etag]);
    expect((await client.get(`/names/${name}`, { 'if-none-match': '"other"' })).status).toBe(200);
  });

  test('many writers at once give one record each their own sequence, and lose none', async () => {
    const name = freshName();
    const replies = await Promise.all(Array.from({ length: 10 }, () => put(name, { target: target() })));
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(9);
    const sequences = replies.map((reply) => NameRecord.parse(reply.json()).record.seq);
    expect(new Set(sequences).size).toBe(10);
    const last = NameRecord.parse((await client.get(`/names/${name}`)).json());
    expect(last.record.seq).toBe(Math.max(...sequences));
  });

  test('a name nobody has published is a 404', async () => {
    expect(refused(await client.get(`/names/${freshName()}`))).toEqual({ status: 404, code: 'not_found' });
  });
});

describe('records signed by their owner', () => {
  test('a record is stored as signed and replaced by a higher sequence', async () => {
    const owner = new Owner();
    const name = freshName();
    const first = owner.record(name, 7, target());
    const created = await put(name, first);
    expect(created.status, created.text).toBe(201);
    expect((await client.get(`/names/${name}`)).json()).toEqual(first);
    const second = owner.record(name, 8, target(), { manifest: target(), ttl_s: 0 });
    expect((await put(name, second)).status).toBe(200);
    expect((await client.get(`/names/${name}`)).json()).toEqual(second);
  });

  test('a sequence that is not higher is stale', async () => {
    const owner = new Owner();
    const name = freshName();
    expect((await put(name, owner.record(name, 5, target()))).status).toBe(201);
    for (const seq of [5, 4, 1]) {
      expect(refused(await put(name, owner.record(name, seq, target()))), `seq ${seq}`).toEqual({
        status: 409,
        code: 'stale_seq',
      });
    }
  });

  test('another key, or the key of the node, cannot take the name over', async () => {
    const name = freshName();
    const stored = new Owner().record(name, 1, target());
    expect((await put(name, stored)).status).toBe(201);
    expect(refused(await put(name, new Owner().record(name, 2, target())))).toEqual({ status: 403, code: 'not_owner' });
    expect(refused(await put(name, { target: target() }))).toEqual({ status: 403, code: 'not_owner' });
    expect((await client.get(`/names/${name}`)).json()).toEqual(stored);
  });

  test('a signature over anything else is refused', async () => {
    const owner = new Owner();
    const name = freshName();
    const signed = owner.record(name, 1, target());
    const forged: NameRecord[] = [
      { ...signed, record: { ...signed.record, seq: 2 } },
      { ...signed, record: { ...signed.record, target: target() } },
      { ...signed, sig: new Owner().record(name, 1, signed.record.target).sig },
      { ...signed, sig: Buffer.alloc(64).toString('base64') },
    ];
    for (const record of forged)
      expect(refused(await put(name, record))).toEqual({ status: 422, code: 'bad_signature' });
    expect((await client.get(`/names/${name}`)).status).toBe(404);
  });

  test('a key every signature verifies under is not an owner', async () => {
    const name = freshName();
    const smallOrder = `01${'00'.repeat(31)}`;
    const record = new Owner().claim(name, 1, target(), { owner: smallOrder });
    const sig = Buffer.concat([Buffer.from(smallOrder, 'hex'), Buffer.alloc(32)]).toString('base64');
    expect((await put(name, { record, sig })).status).toBe(422);
    expect((await client.get(`/names/${name}`)).status).toBe(404);
  });

  test('a record for another name than the one in the path is refused', async () => {
    const reply = await put(freshName(), new Owner().record(freshName(), 1, target()));
    expect(reply.status).toBe(400);
  });

  test('a record whose time has passed is refused', async () => {
    const name = freshName();
    const expired = new Owner().record(name, 1, target(), { not_after: '2020-01-01T00:00:00.000Z' });
    const reply = await put(name, expired);
    expect([400, 422]).toContain(reply.status);
    expect(refused(reply).status).toBe(reply.status);
    expect((await client.get(`/names/${name}`)).status).toBe(404);
  });

  test('a key that is there twice is refused, however it is written', async () => {
    const owner = new Owner();
    const name = freshName();
    const { record, sig } = owner.record(name, 1, target());
    const text = JSON.stringify(record);
    const twice = [
      `{"record":${text.replace('"seq":1', '"seq":1,"seq":1')},"sig":"${sig}"}`,
      `{"record":${text.replace('"seq":1', '"seq":9,"\\u0073eq":1')},"sig":"${sig}"}`,
      `{"record":${text},"sig":"${sig}","sig":"${sig}"}`,
      `{"target":"${target()}","target":"${target()}"}`,
    ];
    for (const body of twice) {
      const reply = await client.put(`/names/${name}`, body, { 'content-type': 'application/json' });
      expect(refused(reply), body).toEqual({ status: 400, code: 'schema' });
    }
    expect((await client.get(`/names/${name}`)).status).toBe(404);
  });
});

describe('conditions', () => {
  test('If-None-Match: * publishes a new name only', async () => {
    const name = freshName();
    const once = { 'if-none-match': '*' };
    expect((await put(name, { target: target() }, once)).status).toBe(201);
    expect(refused(await put(name, { target: target() }, once))).toEqual({ status: 412, code: 'precondition_failed' });
  });

  test('If-Match publishes over the current record only', async () => {
    const name = freshName();
    expect((await put(name, { target: target() }, { 'if-match': '*' })).status).toBe(412);
    const first = headerOf(await put(name, { target: target() }), 'etag');
    const second = await put(name, { target: target() }, { 'if-match': first });
    expect(second.status).toBe(200);
    expect(refused(await put(name, { target: target() }, { 'if-match': first }))).toEqual({
      status: 412,
      code: 'precondition_failed',
    });
    expect((await put(name, { target: target() }, { 'if-match': '*' })).status).toBe(200);
    expect((await put(name, { target: target() }, { 'if-match': `"x", ${headerOf(second, 'etag')}` })).status).toBe(
      412,
    );
  });

  test('of two writers who read the same record, one wins', async () => {
    const name = freshName();
    const current = headerOf(await put(name, { target: target() }), 'etag');
    const replies = await Promise.all([0, 1].map(() => put(name, { target: target() }, { 'if-match': current })));
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 412]);
  });
});
