import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RegistryHead } from '@macronode/contracts';
import { parseSignedCheckpoint, parseTlogProof, parseVkey, verifyTlogProof, leafHash } from '@macronode/log';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BootedRegistry } from '../booted-registry-fixture.ts';
import { registryService } from '../index.ts';
import { genesisOf, signers } from '../log-fixture.ts';

let folders: string[];
beforeEach(() => {
  folders = [1, 2, 3].map(() => mkdtempSync(join(tmpdir(), 'registry-replica-')));
});
afterEach(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

const members = signers(2);
const boot = (at: number, env: Readonly<Record<string, string>> = {}): Promise<BootedRegistry> =>
  BootedRegistry.boot(registryService, { folder: folders[at] ?? '', members, m: 1, env });

const text = async (url: string): Promise<string> => (await fetch(url)).text();
/** Answers nothing. */
const AWAY = 'http://127.0.0.1:1';
const ready = (booted: BootedRegistry) => async (): Promise<[number, unknown]> => {
  const answer = await fetch(`${booted.node.opsUrl}/readyz`);
  const { missing } = (await answer.json()) as { readonly missing: unknown };
  return [answer.status, missing];
};
const versionOf = (booted: BootedRegistry) => async (): Promise<number> => (await booted.driver.head()).version;

describe('a read replica', () => {
  it('serves what the writer commits, with its checkpoint and its proofs, and takes no writes', async () => {
    await using writer = await boot(0);
    await writer.driver.round(members);
    await using replica = await boot(1, { REGISTRY_FOLLOW: writer.url });
    await using second = await boot(2, { REGISTRY_FOLLOW: replica.url });
    await expect.poll(versionOf(replica), { timeout: 10_000 }).toBe(1);
    for (let i = 0; i < 3; i += 1) await writer.driver.round(members);
    await expect.poll(versionOf(replica), { timeout: 5_000 }).toBe(4);
    await expect.poll(versionOf(second), { timeout: 10_000 }).toBe(4);
    const sizeOf = async (): Promise<number> => parseSignedCheckpoint(await replica.checkpoint()).checkpoint.size;
    // Its head tells of its checkpoint, which comes after the entries.
    await expect.poll(sizeOf, { timeout: 15_000 }).toBe(4);
    for (const path of ['/registry/head', '/registry/3', '/registry/log', '/registry/tlog/tile/0/000.p/4']) {
      expect(await text(`${replica.url}${path}`), path).toBe(await text(`${writer.url}${path}`));
    }
    const { vkey } = await writer.signers();
    const proof = parseTlogProof(await text(`${replica.url}/registry/2/proof`));
    const entry = (await (await fetch(`${writer.url}/registry/2`)).json()) as { leaf: unknown };
    const leafText = (await text(`${writer.url}/registry/2`)).replace(/^.*"leaf":/, '').replace(/,"payload":.*$/, '');
    expect(JSON.parse(leafText)).toEqual(entry.leaf);
    const policy = { origin: 'registry.example/main', logKeys: [parseVkey(vkey)], witnessKeys: [], quorum: 0 };
    expect(verifyTlogProof(proof, leafHash(Buffer.from(leafText)), policy).ok).toBe(true);

    const [a] = members;
    if (a === undefined) throw new Error('signer');
    const refused = await replica.driver.propose(await replica.driver.next(), a);
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ error: { code: 'maintenance', reason: 'replica' } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await replica.signers()).toMatchObject({ state: 'replica', vkey });
  }, 40_000);

  it('serves after a restart what it had, its checkpoint and proofs too, while the writer is away', async () => {
    let shown: string;
    {
      await using writer = await boot(0);
      await writer.driver.round(members);
      await using replica = await boot(1, { REGISTRY_FOLLOW: writer.url });
      await expect.poll(ready(replica), { timeout: 10_000 }).toEqual([200, ['replica']]);
      expect((await replica.driver.head()).version).toBe(1);
      shown = await replica.checkpoint();
    }
    await using again = await boot(1, { REGISTRY_FOLLOW: AWAY });
    await expect.poll(ready(again)).toEqual([200, ['replica']]);
    expect((await again.driver.head()).version).toBe(1);
    expect(await again.checkpoint()).toBe(shown);
    expect((await fetch(`${again.url}/registry/1/proof`)).status).toBe(200);
    const age = (): Promise<number> => again.metric('registry_checkpoint_age_seconds');
    await expect.poll(age, { timeout: 10_000 }).toBeGreaterThan(0.5);
  }, 30_000);

  it('shows no checkpoint it kept that is not of its log', async () => {
    {
      await using writer = await boot(0);
      await writer.driver.round(members);
      await using replica = await boot(1, { REGISTRY_FOLLOW: writer.url });
      await expect.poll(ready(replica), { timeout: 10_000 }).toEqual([200, ['replica']]);
    }
    writeFileSync(join(folders[1] ?? '', 'data', 'registry', 'followed-checkpoint'), 'rubbish');
    await using again = await boot(1, { REGISTRY_FOLLOW: AWAY });
    expect((await fetch(`${again.url}/registry/tlog/checkpoint`)).status).toBe(404);
    await expect.poll(ready(again)).toEqual([200, ['replica']]);
  }, 30_000);

  it('tells of entries before their checkpoint came, and gives no proof of them yet', async () => {
    await using writer = await boot(0);
    for (let i = 0; i < 2; i += 1) await writer.driver.round(members);
    const checkpointAnswers = Promise.withResolvers<void>();
    const slow = createServer((request, response) => {
      const path = request.url ?? '';
      if (path.startsWith('/registry/stream')) {
        response.writeHead(503).end();
        return;
      }
      const due = path === '/registry/tlog/checkpoint' ? checkpointAnswers.promise : Promise.resolve();
      void due
        .then(() => fetch(`${writer.url}${path}`))
        .then(async (answer) => {
          response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()));
        });
    }).listen(0, '127.0.0.1');
    await once(slow, 'listening');
    const port = (slow.address() as AddressInfo).port;
    await using replica = await boot(1, { REGISTRY_FOLLOW: `http://127.0.0.1:${port}` });
    await expect.poll(versionOf(replica), { timeout: 10_000 }).toBe(2);

    const before = await fetch(`${replica.url}/registry/head`);
    const [tag, { checkpoint_size }] = [before.headers.get('etag'), RegistryHead.parse(await before.json())];
    expect(checkpoint_size).toBe(0);
    const proof = await fetch(`${replica.url}/registry/2/proof`);
    expect(proof.status).toBe(409);
    expect(Number(proof.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await proof.json()).toMatchObject({ error: { code: 'not_in_checkpoint' } });
    const consistency = `${replica.url}/registry/consistency?from=0`;
    expect(await (await fetch(consistency)).json()).toMatchObject({ to: 0 });
    const sinceEntry = `${replica.url}/registry/consistency?from=1`;
    const uncovered = await fetch(sinceEntry);
    expect(uncovered.status).toBe(409);
    expect(Number(uncovered.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await uncovered.json()).toMatchObject({ error: { code: 'not_in_checkpoint' } });
    for (const [query, status] of [
      ['from=1&to=0', 400],
      ['from=1&to=2', 200],
      ['from=3', 400],
    ] as const) {
      expect((await fetch(`${replica.url}/registry/consistency?${query}`)).status, query).toBe(status);
    }

    checkpointAnswers.resolve();
    const covered = async (): Promise<number> => (await replica.driver.head()).checkpoint_size;
    await expect.poll(covered, { timeout: 15_000 }).toBe(2);
    const after = await fetch(`${replica.url}/registry/head`, { headers: { 'if-none-match': tag ?? '' } });
    expect([after.status, after.headers.get('etag')]).toEqual([
      200,
      (await fetch(`${writer.url}/registry/head`)).headers.get('etag'),
    ]);
    expect((await fetch(`${replica.url}/registry/2/proof`)).status).toBe(200);
    for (const url of [consistency, sinceEntry]) expect(await (await fetch(url)).json()).toMatchObject({ to: 2 });
    slow.closeAllConnections();
    slow.close();
  }, 40_000);

  it('is not ready before it has caught up once', async () => {
    await using writer = await boot(0);
    for (let i = 0; i < 2; i += 1) await writer.driver.round(members);
    let entriesAnswer = false;
    const slow = createServer((request, response) => {
      const path = request.url ?? '';
      if (path.startsWith('/registry/stream') || (path.startsWith('/registry/log') && !entriesAnswer)) {
        response.writeHead(503).end();
        return;
      }
      void fetch(`${writer.url}${path}`).then(async (answer) => {
        response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()));
      });
    }).listen(0, '127.0.0.1');
    await once(slow, 'listening');
    const port = (slow.address() as AddressInfo).port;
    await using replica = await boot(1, { REGISTRY_FOLLOW: `http://127.0.0.1:${port}` });
    const lag = (): Promise<number> => replica.metric('registry_replica_lag_versions');
    await expect.poll(lag, { timeout: 10_000 }).toBe(2);
    expect(await ready(replica)()).toEqual([503, ['entries', 'replica']]);
    entriesAnswer = true;
    await expect.poll(ready(replica), { timeout: 10_000 }).toEqual([200, ['replica']]);
    expect((await replica.driver.head()).version).toBe(2);
    slow.closeAllConnections();
    slow.close();
  }, 30_000);

  it('follows no log that began otherwise than it must, and is never ready', async () => {
    await using writer = await boot(0);
    await writer.driver.round(members);
    const other = join(folders[1] ?? '', 'other.json');
    writeFileSync(other, JSON.stringify(genesisOf(signers(2), 1)));
    await using replica = await boot(1, { REGISTRY_FOLLOW: writer.url, REGISTRY_GENESIS: other });
    await expect.poll(ready(replica), { timeout: 10_000 }).toEqual([503, ['entries', 'upstream', 'replica']]);
    expect((await replica.driver.head()).version).toBe(0);
  }, 30_000);
});

describe('a replica whose log was forked', () => {
  /** A log of two versions with a replica; the answer is another log that forked off after the first. */
  async function forked(): Promise<BootedRegistry> {
    {
      await using writer = await boot(0);
      await writer.driver.round(members);
    }
    cpSync(join(folders[0] ?? '', 'data'), join(folders[2] ?? '', 'data'), { recursive: true });
    {
      await using writer = await boot(0);
      await writer.driver.round(members);
      await using replica = await boot(1, { REGISTRY_FOLLOW: writer.url });
      await expect.poll(ready(replica), { timeout: 10_000 }).toEqual([200, ['replica']]);
      expect((await replica.driver.head()).version).toBe(2);
    }
    const fork = await boot(2);
    await fork.driver.round(members);
    return fork;
  }

  it('sees it by the checkpoint, and is unready until it is started again', async () => {
    await using fork = await forked();
    const known = readFileSync(join(folders[1] ?? '', 'data', 'registry', 'followed-checkpoint'), 'utf8');
    {
      await using replica = await boot(1, { REGISTRY_FOLLOW: fork.url });
      await expect.poll(ready(replica), { timeout: 10_000 }).toEqual([503, ['upstream', 'replica']]);
      expect(await replica.metric('registry_audit_fail_total{service="registry",what="checkpoint"}')).toBe(1);
      expect(await replica.checkpoint()).toBe(known);
    }
    await using again = await boot(1, { REGISTRY_FOLLOW: AWAY });
    await expect.poll(ready(again)).toEqual([200, ['replica']]);
  }, 30_000);

  it('takes no entry that does not continue its own', async () => {
    await using fork = await forked();
    await fork.driver.round(members);
    await using replica = await boot(1, { REGISTRY_FOLLOW: fork.url });
    await expect.poll(ready(replica), { timeout: 10_000 }).toEqual([503, ['upstream', 'replica']]);
    expect((await replica.driver.head()).version).toBe(2);
  }, 30_000);
});
