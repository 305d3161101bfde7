import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { canonicalJson, hashBytes } from '@macronode/content';
import type { RegistryPayload } from '@macronode/contracts';
import { createLogger } from '@macronode/service';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { DeepVerifier } from './deep-verifier.ts';
import { dataFolder, signers, TestLog, TestSigner } from './log-fixture.ts';
import { registryMetrics } from './metrics.ts';

const members = signers(3);
const outsider = new TestSigner('org:other#key1');
const signersOf = (...those: readonly TestSigner[]): string =>
  JSON.stringify({ m: 1, k_pq: 0, signers: those.map((signer) => signer.member()) });

/** Three versions, the second of them a rotation. */
let whole: string;
let folder: string;
beforeAll(async () => {
  whole = dataFolder();
  await using log = await TestLog.open({ members, m: 2, dataDir: whole });
  await log.round(members);
  await log.round(members, rotation(log));
  await log.round(members);
});
afterAll(() => rmSync(whole, { recursive: true, force: true }));
beforeEach(() => {
  folder = dataFolder();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = (): Promise<TestLog> => TestLog.open({ members, m: 2, dataDir: folder });
const rotation = (log: TestLog): RegistryPayload => ({
  ...log.bound(),
  kind: 'signers',
  m: 2,
  k_pq: 0,
  signers: members.map((signer) => signer.member()),
});

/** What somebody did to the file of a log that was whole. */
function changed(change: (db: DatabaseSync) => void): void {
  cpSync(whole, folder, { recursive: true });
  const db = new DatabaseSync(join(folder, 'registry.db'));
  change(db);
  db.close();
}

interface Verified {
  readonly ok: boolean;
  readonly entry: number;
  readonly audit: number;
}

async function verify(log: TestLog): Promise<Verified> {
  const metrics = log.metrics.scope({ service: 'verifier' }).bind(registryMetrics);
  const verifier = new DeepVerifier(log.log, metrics, createLogger('silent', {}));
  await verifier.run();
  const lines = (await log.metrics.render()).split('\n');
  const failed = (what: string): number => {
    const found = lines.find((line) => line.startsWith(`registry_audit_fail_total{service="verifier",what="${what}"`));
    return Number(found?.split(' ').at(-1));
  };
  return { ok: verifier.ok, entry: failed('entry'), audit: failed('audit') };
}

async function verifiedAfter(change: (db: DatabaseSync) => void): Promise<Verified> {
  changed(change);
  await using log = await open();
  return await verify(log);
}

describe('the whole log is verified', () => {
  it('and is whole', async () => {
    expect(await verifiedAfter(() => undefined)).toEqual({ ok: true, entry: 0, audit: 0 });
  });

  it('before it has signers', async () => {
    await using log = await TestLog.open({ members: [], m: 1 });
    expect(await verify(log)).toEqual({ ok: true, entry: 0, audit: 0 });
  });

  it.each([
    ['changed in its last byte', `UPDATE entries SET leaf = replace(leaf, '"set"', '"sat"') WHERE version = 1`],
    [
      'of no JSON',
      `UPDATE payloads SET body = 'x' WHERE payload_b3 = (SELECT payload_b3 FROM entries WHERE version = 1)`,
    ],
    ['gone', 'DELETE FROM payloads WHERE payload_b3 = (SELECT payload_b3 FROM entries WHERE version = 3)'],
  ])('and has an entry that is %s', async (_what, sql) => {
    const { ok, entry, audit } = await verifiedAfter((db) => db.exec(sql));
    expect([ok, audit]).toEqual([false, 0]);
    expect(entry).toBeGreaterThan(0);
  });
});

describe('the stored signer sets are compared', () => {
  it.each<[string, string, string[]]>([
    ['with the genesis', 'UPDATE signer_sets SET body = ? WHERE version = 0', [signersOf(outsider)]],
    ['with the entry that brought them', 'UPDATE signer_sets SET body = ? WHERE version = 2', [signersOf(outsider)]],
    ['when one is gone', 'DELETE FROM signer_sets WHERE version = 2', []],
    ['when one is no JSON', `UPDATE signer_sets SET body = '{"m' WHERE version = 0`, []],
    [
      'with the entries that brought none',
      'INSERT INTO signer_sets (version, body) VALUES (1, ?)',
      [signersOf(outsider)],
    ],
    ['with what is to come', 'INSERT INTO signer_sets (version, body) VALUES (4, ?)', [signersOf(outsider)]],
  ])('%s', async (_what, sql, values) => {
    const verified = await verifiedAfter((db) => db.prepare(sql).run(...values));
    expect(verified).toEqual({ ok: false, entry: 1, audit: 0 });
  });

  it('with the genesis, which must be readable itself', async () => {
    const verified = await verifiedAfter((db) => db.exec(`UPDATE facts SET value = '{"m":1}' WHERE key = 'genesis'`));
    expect(verified).toEqual({ ok: false, entry: 1, audit: 0 });
  });
});

describe('the audit chain is verified', () => {
  // 1 genesis, then for each version: propose, three approvals, commit.
  it.each([
    ['a record that is no JSON', `UPDATE audit SET body = '{"broken' WHERE seq = 2`, 1],
    ['two of them, and goes on', `UPDATE audit SET body = '{"broken' WHERE seq IN (2, 4)`, 2],
    ['a member that is of no hash', `UPDATE audit SET body = '{"a":1,' || substr(body, 2) WHERE seq = 3`, 1],
    ['another actor', `UPDATE audit SET body = replace(body, 'org:test#key1', 'org:test#key2') WHERE seq = 2`, 1],
    ['a record that is gone', 'DELETE FROM audit WHERE seq = 4', 1],
    ['its tail cut off with a commit', 'DELETE FROM audit WHERE seq >= 15', 1],
    ['its tail cut off with two commits', 'DELETE FROM audit WHERE seq >= 8', 2],
    ['its tail cut off after the oldest went', 'DELETE FROM audit WHERE seq <= 5 OR seq >= 15', 1],
    ['nothing', 'DELETE FROM audit', 4],
    ['nothing that can be read', `UPDATE audit SET body = 'x'`, 16],
  ])('and finds %s', async (_what, sql, faults) => {
    expect(await verifiedAfter((db) => db.exec(sql))).toEqual({ ok: false, entry: 0, audit: faults });
  });

  it('and misses nothing that compaction removed', async () => {
    expect(await verifiedAfter((db) => db.exec('DELETE FROM audit WHERE seq <= 6'))).toMatchObject({ ok: true });
    expect(await verifiedAfter((db) => db.exec('DELETE FROM audit WHERE seq <= 15'))).toMatchObject({ ok: true });
  });

  it('and finds a commit of what is no entry', async () => {
    const verified = await verifiedAfter((db) => {
      const row = db.prepare('SELECT body FROM audit WHERE seq = 16').get()?.['body'] as string;
      const { self_hash: _old, ...record } = JSON.parse(row) as Record<string, unknown>;
      const body = { ...record, subject: hashBytes(Buffer.from('another')) };
      const self_hash = hashBytes(Buffer.from(canonicalJson(body)));
      db.prepare('UPDATE audit SET body = ? WHERE seq = 16').run(canonicalJson({ ...body, self_hash }));
    });
    // The version that was committed has no record, too.
    expect(verified).toEqual({ ok: false, entry: 0, audit: 2 });
  });

  it('while compaction removes the oldest', async () => {
    changed(() => undefined);
    await using log = await open();
    for (let i = 0; i < 80; i += 1) await log.log.store.note(factOf(i));
    const { store } = log.log;
    const read = store.auditRecords.bind(store);
    const db = new DatabaseSync(join(folder, 'registry.db'));
    vi.spyOn(store, 'auditRecords').mockImplementationOnce((after, limit) => {
      const page = read(after, limit);
      db.exec('DELETE FROM audit WHERE seq <= 70');
      return page;
    });
    expect(await verify(log)).toEqual({ ok: true, entry: 0, audit: 0 });
    db.close();
  });

  it('but asks for no commit record of a version that came from another log', async () => {
    await using upstream = await TestLog.open({ members, m: 2 });
    await using log = await open();
    await upstream.round(members);
    for (const entry of upstream.log.store.entries(0, 1)) {
      const { payload_b3: payloadHash } = JSON.parse(entry.leaf) as { payload_b3: string };
      const adopted = { ...entry, prevHash: null, payloadHash, leafHash: upstream.log.tree.root(1) };
      await log.log.store.adopt([adopted]);
      log.log.adopted([adopted]);
    }
    await log.round(members);
    expect(log.log.head.version).toBe(2);
    expect(await verify(log)).toEqual({ ok: true, entry: 0, audit: 0 });
  });
});

const factOf = (at: number) => ({
  at,
  writerId: 'test',
  kind: 'refuse' as const,
  actor: null,
  subject: null,
  reason: 'schema',
  attrs: {},
});
