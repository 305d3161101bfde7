import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { MetricsRegistry } from '@macronode/metrics';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { commands } from './conformance.commands.ts';
import { CONFORMANCE_MODULE, type ConformanceStore, storeConformance } from './conformance.ts';
import { StoreFatal } from './errors.ts';
import { openStore } from './open-store.ts';

let dir: string;
const setup = (): { file: string } => {
  dir = mkdtempSync(join(tmpdir(), 'macronode-store-'));
  return { file: join(dir, 'nested', 'meta.db') };
};
const teardown = (): void => rmSync(dir, { recursive: true, force: true });

storeConformance('durable', { setup, teardown });

describe('durable store', () => {
  let file: string;
  const open = (module = CONFORMANCE_MODULE): Promise<ConformanceStore> =>
    openStore<typeof commands>({
      location: { file },
      module,
      metrics: new MetricsRegistry().scope({ service: 'test' }),
    });

  beforeEach(() => {
    file = setup().file;
  });
  afterEach(teardown);

  it('keeps what it acknowledged over a restart, and leaves no log behind after a clean close', async () => {
    const first = await open();
    await first.write('put', { key: 'a', value: new Uint8Array([1]) });
    await first.close();
    expect(existsSync(`${file}-wal`)).toBe(false);
    const second = await open();
    expect(Array.from((await second.write('get', { key: 'a' })) ?? [])).toEqual([1]);
    await second.close();
  });

  it('takes an old schema to the current one, step by step', async () => {
    const old = await open();
    await old.close();
    const db = new DatabaseSync(file);
    db.exec('DROP TABLE item; CREATE TABLE item (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT');
    db.exec("INSERT INTO item VALUES ('a', x'01'); PRAGMA user_version = 1");
    db.close();
    const store = await open();
    expect(await store.write('put', { key: 'a', value: new Uint8Array(1) })).toEqual({ version: 2 });
    await store.close();
  });

  it('refuses a schema from the future and a file that is no database', async () => {
    await (await open()).close();
    const db = new DatabaseSync(file);
    db.exec('PRAGMA user_version = 99');
    db.close();
    await expect(open()).rejects.toThrow(/schema 99/);
    rmSync(file);
    writeFileSync(file, 'not a database, but long enough to be read as the header of one'.repeat(20));
    await expect(open()).rejects.toBeInstanceOf(StoreFatal);
  });

  it('keeps the log bounded under sustained writes', async () => {
    const store = await open();
    const value = new Uint8Array(256 * 1024).fill(1);
    let largest = 0;
    for (let round = 0; round < 40; round++) {
      await Promise.all([0, 1, 2, 3].map((i) => store.write('put', { key: `k${i}`, value })));
      largest = Math.max(largest, statSync(`${file}-wal`).size);
    }
    expect(largest).toBeLessThan(24 * 1024 * 1024);
    await store.close();
  });

  it('is busy, not broken, while another process holds the write lock', async () => {
    const store = await open();
    await store.write('insert', { key: 'a' });
    const blocked = new DatabaseSync(file);
    blocked.exec('BEGIN IMMEDIATE');
    await expect(store.write('insert', { key: 'b' })).rejects.toMatchObject({ code: 'busy', reason: 'lock' });
    blocked.exec('ROLLBACK');
    blocked.close();
    await store.write('insert', { key: 'c' });
    expect(store.fatal).toBeUndefined();
    await store.close();
  });
});
