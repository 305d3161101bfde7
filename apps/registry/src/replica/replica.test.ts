import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseSignedCheckpoint, parseTlogProof, parseVkey, verifyTlogProof, leafHash } from '@macronode/log';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BootedRegistry } from '../booted-registry.ts';
import { genesisOf, signers } from '../log-fixture.ts';

let folders: string[];
beforeEach(() => {
  folders = [1, 2, 3].map(() => mkdtempSync(join(tmpdir(), 'registry-replica-')));
});
afterEach(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

const members = signers(2);
const boot = (at: number, env: Readonly<Record<string, string>> = {}): Promise<BootedRegistry> =>
  BootedRegistry.boot({ folder: folders[at] ?? '', members, m: 1, env });

const text = async (url: string): Promise<string> => (await fetch(url)).text();
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
    for (const path of ['/registry/head', '/registry/3', '/registry/log', '/registry/tlog/tile/0/000.p/4']) {
      expect(await text(`${replica.url}${path}`), path).toBe(await text(`${writer.url}${path}`));
    }
    const { vkey } = await writer.signers();
    const sizeOf = async (): Promise<number> => parseSignedCheckpoint(await replica.checkpoint()).checkpoint.size;
    await expect.poll(sizeOf, { timeout: 15_000 }).toBe(4);
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

  it('goes on after a restart, also while the writer is away', async () => {
    {
      await using writer = await boot(0);
      await writer.driver.round(members);
      await using replica = await boot(1, { REGISTRY_FOLLOW: writer.url });
      await expect.poll(versionOf(replica), { timeout: 10_000 }).toBe(1);
    }
    await using again = await boot(1, { REGISTRY_FOLLOW: 'http://127.0.0.1:1' });
    expect((await again.driver.head()).version).toBe(1);
    const ready = await fetch(`${again.node.opsUrl}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([
      503,
      expect.objectContaining({ ready: false, missing: expect.arrayContaining(['upstream']) as unknown }),
    ]);
  }, 30_000);

  it('follows no log that began otherwise than it must', async () => {
    await using writer = await boot(0);
    await writer.driver.round(members);
    const other = join(folders[1] ?? '', 'other.json');
    writeFileSync(other, JSON.stringify(genesisOf(signers(2), 1)));
    await using replica = await boot(1, { REGISTRY_FOLLOW: writer.url, REGISTRY_GENESIS: other });
    const ready = async (): Promise<number> => (await fetch(`${replica.node.opsUrl}/readyz`)).status;
    await expect.poll(ready, { timeout: 10_000 }).toBe(200);
    expect((await replica.driver.head()).version).toBe(0);
  }, 30_000);
});
