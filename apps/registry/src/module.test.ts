import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalPayload } from '@macronode/log';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BootedRegistry } from './booted-registry-fixture.ts';
import { registryService } from './index.ts';
import { genesisOf, signers } from './log-fixture.ts';
import type { RegistryDriver } from './registry-driver-fixture.ts';

let folder: string;
let booted: BootedRegistry | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'registry-module-'));
});
afterEach(async () => {
  await booted?.node.close();
  booted = undefined;
  rmSync(folder, { recursive: true, force: true });
});

const members = signers(3);

async function start(env: Readonly<Record<string, string>> = {}): Promise<RegistryDriver> {
  booted = await BootedRegistry.boot(registryService, { folder, members, m: 2, env });
  return booted.driver;
}

const json = async (response: Response): Promise<Record<string, unknown>> =>
  (await response.json()) as Record<string, unknown>;

describe('the registry on its own port', () => {
  it('proposes, approves, commits, and answers with what was committed for ever', async () => {
    const driver = await start();
    const [a, b] = members;
    if (a === undefined || b === undefined) throw new Error('signers');
    const before = await fetch(`${driver.url}/registry/head`);
    expect(await json(before)).toMatchObject({ version: 0, payload_b3: null, checkpoint_size: 0 });
    expect(before.headers.get('etag')).toBe('"v0-00000000"');

    const payload = await driver.next();
    const { hash } = canonicalPayload(payload);
    const proposed = await driver.propose(payload, a);
    expect(proposed.status).toBe(202);
    expect(proposed.headers.get('location')).toBe(`/registry/proposals/${hash}`);
    expect((await driver.propose(payload, b)).status).toBe(200);
    expect((await driver.approve(hash, a)).status).toBe(200);
    expect(await json(await driver.approve(hash, b))).toMatchObject({ quorum: { m: 2, n: 3, approved: 2, met: true } });
    const committed = await driver.commit(hash, a);
    expect(committed.status).toBe(201);
    expect((await driver.commit(hash, b)).status).toBe(200);

    const entry = await fetch(`${driver.url}/registry/1`);
    expect(entry.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    const { entry_b3 } = await json(committed);
    expect(entry.headers.get('etag')).toBe(`"${String(entry_b3)}"`);
    expect(await json(entry)).toMatchObject({ entry_b3, leaf: { version: 1, payload_b3: hash }, payload });
    const again = await fetch(`${driver.url}/registry/1`, { headers: { 'if-none-match': `"${String(entry_b3)}"` } });
    expect(again.status).toBe(304);
    const checkpoint = await (await fetch(`${driver.url}/registry/tlog/checkpoint`)).text();
    expect(checkpoint.split('\n').slice(0, 2)).toEqual(['registry.example/main', '1']);
    expect(checkpoint.match(/^— /gm)).toHaveLength(2);
    expect((await fetch(`${driver.url}/registry/1/proof`)).status).toBe(200);
    expect((await fetch(`${driver.url}/registry/tlog/tile/0/000.p/1`)).status).toBe(200);
    expect((await fetch(`${driver.url}/registry/tlog/tile/entries/000.p/1`)).status).toBe(200);
    const audit = (await (await fetch(`${driver.url}/registry/audit`)).text()).trim().split('\n');
    const kinds = audit.map((line) => (JSON.parse(line) as { kind: string }).kind);
    expect(kinds).toEqual(['genesis', 'propose', 'approve', 'approve', 'commit']);
    expect(await booted?.metric('registry_audit_records_total')).toBe(kinds.length);
  });

  it('finds after a restart what it had, and refuses another genesis', async () => {
    const driver = await start();
    const { version } = await driver.round([members[0], members[1]]);
    expect(version).toBe(1);
    await booted?.node.close();
    const again = await start();
    expect(await json(await fetch(`${again.url}/registry/head`))).toMatchObject({ version: 1 });
    expect((await again.round([members[1], members[2]])).version).toBe(2);
    await booted?.node.close();
    const other = join(folder, 'other.json');
    writeFileSync(other, JSON.stringify(genesisOf(signers(3), 2)));
    await expect(start({ REGISTRY_GENESIS: other })).rejects.toThrow('another genesis');
  });

  it('answers while it is frozen that it takes no writes, and when to come again', async () => {
    const driver = await start();
    const [a] = members;
    if (a === undefined) throw new Error('signer');
    const payload = await driver.next();
    expect((await driver.freeze(true, a)).status).toBe(200);
    const answer = await driver.propose(payload, a);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '30']);
    expect(await json(answer)).toMatchObject({ error: { code: 'maintenance', reason: 'frozen' } });
    expect((await fetch(`${driver.url}/registry/head`)).status).toBe(200);
    expect((await driver.freeze(false, a)).status).toBe(200);
    expect((await driver.propose(payload, a)).status).toBe(202);
  });

  it('lets one process write', async () => {
    await start();
    const first = booted;
    await expect(start()).rejects.toThrow('another process writes');
    await first?.node.close();
  });

  it('reads without a genesis, and takes no writes', async () => {
    const driver = await start({ REGISTRY_GENESIS: '' });
    expect((await fetch(`${driver.url}/registry/head`)).status).toBe(200);
    expect((await fetch(`${driver.url}/registry/tlog/checkpoint`)).status).toBe(404);
    const answer = await driver.freeze(true, members[0]);
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await json(answer)).toMatchObject({ error: { code: 'maintenance', reason: 'no_signers' } });
  });
});
