import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { MetricsRegistry } from '@macronode/metrics';
import { afterAll, describe, expect, it } from 'vitest';
import { migrations } from './log.commands.ts';
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

  it('opens a file from before descriptors were counted, counts those it has, and appends on', async () => {
    const file = newFile();
    const db = new DatabaseSync(file);
    db.exec(`${migrations[0] ?? ''} PRAGMA user_version = 1`);
    const put = (version: number, payload: string): void => {
      db.prepare('INSERT INTO payloads VALUES (?, ?)').run(`p${version}`, payload);
      db.prepare('INSERT INTO entries VALUES (?, ?, ?, ?, ?)').run(
        version,
        `{"version":${version}}`,
        `e${version}`,
        Buffer.alloc(32, version),
        `p${version}`,
      );
    };
    const items = (count: number): string => JSON.stringify({ items: Array.from({ length: count }, () => ({})) });
    put(1, items(3));
    put(2, items(2));
    db.close();
    const opened = await onDisk(file);
    expect([opened.descriptors(), opened.head()?.version]).toEqual([5, 2]);
    const append = async (version: number, text: string) => {
      await opened.propose({ ...proposal(`p${version}`, version, 5_000, `e${version - 1}`), text });
      return opened.append(entry(version, `e${version - 1}`, `p${version}`));
    };
    expect(await append(3, '{}')).toMatchObject({ outcome: 'committed' });
    expect(opened.descriptors()).toBe(5);
    expect(await append(4, items(4))).toMatchObject({ outcome: 'committed' });
    expect(opened.descriptors()).toBe(9);
    await opened.close();
    const again = new DatabaseSync(file);
    const rows = again.prepare('SELECT descriptors AS n FROM entries ORDER BY version').all();
    expect(rows.map(({ n }) => n)).toEqual([3, 5, 5, 9]);
    again.close();
  });

  it('opens such a file though a payload of it is damaged', async () => {
    const file = newFile();
    const db = new DatabaseSync(file);
    db.exec(`${migrations[0] ?? ''} PRAGMA user_version = 1;
      INSERT INTO payloads VALUES ('p1', 'no JSON'), ('p2', '{"items":[{}]}');
      INSERT INTO entries VALUES (1, '{}', 'e1', x'01', 'p1'), (2, '{}', 'e2', x'02', 'p2'), (3, '{}', 'e3', x'03', 'p3');`);
    db.close();
    const opened = await onDisk(file);
    expect([opened.descriptors(), opened.head()?.version]).toEqual([1, 3]);
    await opened.close();
  });
});

describe('in memory', () => {
  logStoreConformance(() => SqliteLogStore.open({ location: 'memory', metrics: metrics() }));
});
