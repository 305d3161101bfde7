import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { MetricsRegistry } from '@macronode/metrics';
import { afterAll, describe, expect, it } from 'vitest';
import { entry, logStoreConformance, proposal } from './log.store.conformance.ts';
import { SqliteLogStore } from './sqlite-log.store.ts';

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));
const metrics = () => new MetricsRegistry().scope({ service: 'registry' });

const newFile = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'registry-store-'));
  folders.push(folder);
  return join(folder, 'registry.db');
};
const onDisk = (file: string): Promise<SqliteLogStore> =>
  SqliteLogStore.open({ location: { file }, metrics: metrics() });

describe('on disk', () => {
  logStoreConformance(() => onDisk(newFile()));

  it('takes no second root for a size, though the entry of the first is gone', async () => {
    const file = newFile();
    const first = await onDisk(file);
    for (const hash of ['p1', 'p2']) await first.propose(proposal(hash));
    await first.append(entry(1, null, 'p1'));
    await first.close();
    const db = new DatabaseSync(file);
    db.exec('DELETE FROM entries');
    db.close();
    const again = await onDisk(file);
    const forked = { ...entry(1, null, 'p2'), root: Buffer.alloc(32, 7) };
    await expect(again.append(forked)).rejects.toMatchObject({ name: 'StoreCommandError', code: 'forked' });
    expect([again.head(), again.signedRoot(1)?.[0]]).toEqual([undefined, 101]);
    expect(await again.append(entry(1, null, 'p2'))).toMatchObject({ outcome: 'committed' });
    await again.close();
  });
});

describe('in memory', () => {
  logStoreConformance(() => SqliteLogStore.open({ location: 'memory', metrics: metrics() }));
});
