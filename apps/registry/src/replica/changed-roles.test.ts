import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseSignedCheckpoint } from '@macronode/log';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BootedRegistry } from '../booted-registry-fixture.ts';
import { registryService } from '../index.ts';
import { signers } from '../log-fixture.ts';

const members = signers(2);
const NO_QUOTA = { REGISTRY_PROPOSE_RPS: '1000', REGISTRY_APPROVE_RPS: '1000' };

let folders: { readonly writer: string; readonly replica: string };
beforeEach(() => {
  const folder = (): string => mkdtempSync(join(tmpdir(), 'registry-roles-'));
  folders = { writer: folder(), replica: folder() };
});
afterEach(() => Object.values(folders).forEach((folder) => rmSync(folder, { recursive: true, force: true })));

const boot = (folder: string, env: Readonly<Record<string, string>> = {}): Promise<BootedRegistry> =>
  BootedRegistry.boot(registryService, { folder, members, m: 1, env: { ...NO_QUOTA, ...env } });
const versionOf = (booted: BootedRegistry) => async (): Promise<number> => (await booted.driver.head()).version;
const sizeOf = (booted: BootedRegistry) => async (): Promise<number | undefined> => {
  const text = await booted.checkpoint();
  return text.startsWith('registry.example/main\n') ? parseSignedCheckpoint(text).checkpoint.size : undefined;
};
const rounds = async (booted: BootedRegistry, times: number): Promise<void> => {
  for (let i = 0; i < times; i += 1) await booted.driver.round(members);
};
const database = (folder: string): string => join(folder, 'data', 'registry', 'registry.db');

describe('the data of a replica', () => {
  it.each([
    ['with the genesis of the log', {}],
    ['without one', { REGISTRY_GENESIS: '' }],
  ])(
    'is not written, %s',
    async (_what, env) => {
      {
        await using writer = await boot(folders.writer);
        await rounds(writer, 1);
        await using replica = await boot(folders.replica, { REGISTRY_FOLLOW: writer.url });
        await expect.poll(versionOf(replica), { timeout: 10_000 }).toBe(1);
      }
      await expect(boot(folders.replica, env)).rejects.toThrow(
        /is of a replica of registry\.example\/main.*start it with REGISTRY_FOLLOW, or begin a new log in an empty folder/,
      );
    },
    30_000,
  );
});

describe('the data of a writer', () => {
  it('of an older backup is not written, follows a replica that has the rest, and is written again', async () => {
    {
      await using writer = await boot(folders.writer);
      await rounds(writer, 2);
    }
    cpSync(database(folders.writer), `${database(folders.writer)}.backup`);
    let keys: unknown;
    {
      await using writer = await boot(folders.writer);
      await rounds(writer, 2);
      await using replica = await boot(folders.replica, { REGISTRY_FOLLOW: writer.url });
      await expect.poll(sizeOf(replica), { timeout: 10_000 }).toBe(4);
      const { vkey, cosigner_vkey } = await writer.signers();
      keys = { vkey, cosigner_vkey };
    }
    for (const suffix of ['-wal', '-shm']) rmSync(`${database(folders.writer)}${suffix}`, { force: true });
    cpSync(`${database(folders.writer)}.backup`, database(folders.writer));
    await expect(boot(folders.writer)).rejects.toThrow('let it follow a replica that has the rest');

    {
      await using rest = await boot(folders.replica, { REGISTRY_FOLLOW: 'http://127.0.0.1:1' });
      await using restored = await boot(folders.writer, { REGISTRY_FOLLOW: rest.url });
      await expect.poll(versionOf(restored), { timeout: 10_000 }).toBe(4);
      await expect.poll(sizeOf(restored), { timeout: 10_000 }).toBe(4);
      expect(await restored.signers()).toMatchObject({ state: 'replica', ...(keys as object) });
      expect((await fetch(`${restored.node.opsUrl}/readyz`)).status).toBe(200);
    }
    await using writer = await boot(folders.writer);
    expect(await writer.signers()).toMatchObject({ state: 'open', ...(keys as object) });
    await rounds(writer, 1);
    expect(await sizeOf(writer)()).toBe(5);
    const verified = (): Promise<number> => writer.metric('audit_chain_verify_seconds');
    await expect.poll(verified, { timeout: 10_000 }).toBeGreaterThan(0);
    for (const what of ['entry', 'audit']) {
      expect(await writer.metric(`registry_audit_fail_total{service="registry",what="${what}"}`), what).toBe(0);
    }
  }, 60_000);

  it('believes no other key than its own', async () => {
    {
      await using writer = await boot(folders.writer);
      await rounds(writer, 1);
    }
    // The same signers, the same first entry even, and yet another log: it signs with another key.
    cpSync(join(folders.writer, 'data'), join(folders.replica, 'data'), { recursive: true });
    for (const key of ['log.key', 'cosigner.key']) rmSync(join(folders.replica, 'data', 'registry', key));
    await using other = await boot(folders.replica);
    await using restored = await boot(folders.writer, { REGISTRY_FOLLOW: other.url });
    const missing = async (): Promise<unknown> => {
      const answer = await fetch(`${restored.node.opsUrl}/readyz`);
      return ((await answer.json()) as { readonly missing: unknown }).missing;
    };
    await expect.poll(missing, { timeout: 10_000 }).toEqual(['upstream', 'replica']);
    expect((await fetch(`${restored.url}/registry/tlog/checkpoint`)).status).toBe(404);
  }, 30_000);

  it('does not follow when its own key is gone', async () => {
    {
      await using writer = await boot(folders.writer);
      await rounds(writer, 1);
    }
    rmSync(join(folders.writer, 'data', 'registry', 'log.key'));
    await expect(boot(folders.writer, { REGISTRY_FOLLOW: 'http://127.0.0.1:1' })).rejects.toThrow('log.key is gone');
  }, 30_000);
});
