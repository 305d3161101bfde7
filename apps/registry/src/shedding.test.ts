import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DatabaseSync } from 'node:sqlite';
import { BootedRegistry } from './booted-registry-fixture.ts';
import { registryService } from './index.ts';
import { signers } from './log-fixture.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'registry-shedding-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const members = signers(2);
const [a] = members;

const readiness = async ({ node }: BootedRegistry): Promise<unknown> => (await fetch(`${node.opsUrl}/readyz`)).json();

describe('a registry whose disk is slow', () => {
  it('sheds writes with Retry-After while reads go on, and takes them again after', async () => {
    if (a === undefined) throw new Error('signer');
    await using booted = await BootedRegistry.boot(registryService, { folder, members, m: 1 });
    const { driver } = booted;
    await driver.round(members);
    // Whoever holds the write lock of the database is as good as a disk that does not answer.
    const blocker = new DatabaseSync(join(folder, 'data', 'registry', 'registry.db'));
    blocker.exec('BEGIN IMMEDIATE');
    const stuck = driver.propose(await driver.next([{ id: 'stuck', kind: 'node' }]), a);
    /** The refusal of one more proposal; undefined while it would still join the line. */
    const shed = async (): Promise<unknown> => {
      const payload = await driver.next([{ id: 'shed', kind: 'node' }]);
      const answer = await driver.propose(payload, a, AbortSignal.timeout(200)).catch(() => undefined);
      if (answer === undefined) return undefined;
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      return ((await answer.json()) as { error: unknown }).error;
    };
    await expect.poll(shed, { timeout: 5_000 }).toMatchObject({ code: 'busy', reason: 'storage_slow' });
    const saysBusy = { ready: true, write_ready: false, missing: ['disk_latency'] };
    await expect.poll(() => readiness(booted), { timeout: 5_000 }).toMatchObject(saysBusy);
    expect((await fetch(`${booted.url}/registry/head`)).status).toBe(200);
    expect((await fetch(`${booted.url}/registry/1`)).status).toBe(200);
    // The one that waited is not left without an answer: the lock is waited for, and then it is told to come again.
    const waited = await stuck;
    expect(waited.status).toBe(503);
    expect(Number(waited.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await waited.json()).toMatchObject({ error: { code: 'busy' } });
    blocker.exec('ROLLBACK');
    blocker.close();
    const recovered = async (): Promise<number> => (await driver.round(members)).version;
    await expect.poll(recovered, { timeout: 5_000 }).toBe(2);
    await expect.poll(() => readiness(booted), { timeout: 5_000 }).toMatchObject({ ready: true, write_ready: true });
  });
});

describe('refusals', () => {
  it('are all counted, and recorded up to a rate', async () => {
    if (a === undefined) throw new Error('signer');
    await using booted = await BootedRegistry.boot(registryService, { folder, members, m: 1 });
    const { driver } = booted;
    const payload = await driver.next();
    const bad = { ...payload, version: 7 };
    const count = 230;
    for (let at = 0; at < count; at += 10) {
      await Promise.all(Array.from({ length: 10 }, () => driver.commit(`b3:${'0'.repeat(64)}`, a)));
    }
    expect((await driver.propose(bad, a)).status).toBe(409);
    const counted = await booted.metric('rejected_total{service="registry",reason="not_found"}');
    expect(counted).toBe(count);
    const dropped = await booted.metric('audit_drop_total{service="registry",reason="audit_backpressure"}');
    expect(dropped).toBeGreaterThan(0);
    const recorded = async (): Promise<number> => {
      const records = await (await fetch(`${booted.url}/registry/audit`)).text();
      return records.split('\n').filter((line) => line.includes('"kind":"refuse"')).length;
    };
    // What was refused is in the chain or counted as missing there, each once.
    await expect.poll(recorded, { timeout: 5_000 }).toBe(count + 1 - dropped);
  });
});
