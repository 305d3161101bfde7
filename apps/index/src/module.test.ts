import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Bus, InProcessLink } from '@macronode/bus';
import { hashBytes } from '@macronode/content';
import { NameReply, Readiness, SUBJECTS } from '@macronode/contracts';
import type { NamePutRequest } from '@macronode/contracts';
import { generateKey } from '@macronode/keys';
import { MetricsRegistry } from '@macronode/metrics';
import { type RunningNode, startNode } from '@macronode/service';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { indexService } from './index.ts';
import { signClaim, verifyRecord } from './name-record.ts';

const { nameGet, namePut } = SUBJECTS.index;
const ctx = { corrId: '01JZZZZZZZZZZZZZZZZZZZZZZZ' };
const target = (text: string) => hashBytes(Buffer.from(text));
const toTarget = (name: string, text: string): NamePutRequest => ({
  name,
  body: { target: target(text) },
  must_be_new: false,
});

describe('the index, started for real', () => {
  let link: InProcessLink;
  let client: Bus;
  let folder: string;
  let node: RunningNode;

  const start = (dataDir?: string): Promise<RunningNode> =>
    startNode({
      services: [indexService],
      profile: 'micronode',
      env: { OPS_PORT: '0', LOG_LEVEL: 'silent', ...(dataDir !== undefined && { DATA_DIR: dataDir }) },
      link,
    });

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'index-module-'));
    link = new InProcessLink();
    await link.start();
    client = new Bus({ service: 'omnigate', link, metrics: new MetricsRegistry().scope({ service: 'omnigate' }) });
    await client.start();
  });
  afterEach(async () => {
    await node.close();
    await client.close();
    await link.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('publishes and resolves over the bus', async () => {
    node = await start();
    const published = NameReply.parse(await client.call(namePut, toTarget('a.b', 'one'), ctx));
    expect(published.created).toBe(true);
    verifyRecord(published.record);
    expect(await client.call(nameGet, { name: 'a.b' }, ctx)).toEqual({ ...published, created: false });
  });

  it('answers refusals with their code, reason and details', async () => {
    node = await start();
    await expect(client.call(nameGet, { name: 'none' }, ctx)).rejects.toMatchObject({ code: 'not_found' });
    const key = generateKey('ed25519');
    const record = signClaim(
      {
        v: 1,
        name: 'n',
        seq: 5,
        target: target('one'),
        ttl_s: 60,
        owner: key.publicKeyHex,
        not_after: '2099-01-01T00:00:00Z',
      },
      key,
    );
    const put = (body: NamePutRequest['body'], fields: Partial<NamePutRequest> = {}) =>
      client.call(namePut, { name: 'n', body, must_be_new: false, ...fields }, ctx);
    await put(record);
    const older = signClaim({ ...record.record, seq: 4 }, key);
    await expect(put(older)).rejects.toMatchObject({ code: 'stale_seq', details: { current_seq: 5 } });
    await expect(put({ ...older, sig: record.sig })).rejects.toMatchObject({
      code: 'bad_signature',
      reason: 'signature',
    });
    await expect(put({ target: target('x') })).rejects.toMatchObject({ code: 'not_owner', retryable: false });
    const newer = signClaim({ ...record.record, seq: 6 }, key);
    await expect(put(newer, { if_match: '"b3:0"' })).rejects.toMatchObject({ code: 'precondition_failed' });
    await expect(put(newer, { must_be_new: true })).rejects.toMatchObject({ code: 'precondition_failed' });
    await expect(client.call(nameGet, { name: 'Not A Name' }, ctx)).rejects.toMatchObject({ code: 'schema' });
  });

  it('keeps names and its key over a restart', async () => {
    node = await start(folder);
    const first = await client.call(namePut, toTarget('a', 'one'), ctx);
    await node.close();
    expect(readdirSync(join(folder, 'index')).sort()).toEqual(['index.db', 'node.key']);
    node = await start(folder);
    expect(await client.call(nameGet, { name: 'a' }, ctx)).toEqual({ ...first, created: false });
    const second = await client.call(namePut, toTarget('a', 'two'), ctx);
    expect(second.record.record).toMatchObject({ seq: 2, owner: first.record.record.owner, target: target('two') });
  });

  it('is ready, and shows what it counts', async () => {
    node = await start();
    await client.call(namePut, toTarget('a', 'one'), ctx);
    const ready = await fetch(`${node.opsUrl}/readyz`);
    expect(ready.status).toBe(200);
    expect(Readiness.parse(await ready.json())).toMatchObject({ ready: true, write_ready: true, missing: [] });
    const metrics = await (await fetch(`${node.opsUrl}/metrics`)).text();
    expect(metrics).toMatch(/index_names_total\{[^}]*result="created"[^}]*\} 1/);
    expect(metrics).toContain('index_stored_names{service="index"} 1');
  });
});
