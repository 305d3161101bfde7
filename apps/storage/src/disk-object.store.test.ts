import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { hashBytes } from '@macronode/content';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DiskObjectStore } from './disk-object.store.ts';
import { get, objectStoreConformance, put, testScope, type TestScope } from './object.store.conformance.ts';

let root: string;
const open = ({ scope, metrics }: TestScope, minFreeBytes = 0): Promise<DiskObjectStore> =>
  DiskObjectStore.open({ root, minFreeBytes, metrics, scope });
const fileOf = (id: string): string => join(root, 'objects', id.slice(3, 5), id.slice(5, 7), id.slice(3));
const inTmp = (): string[] => readdirSync(join(root, 'tmp'));

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  chmodSync(path, 0o600);
  writeFileSync(path, bytes);
}

function flipInline(id: string, at: number): void {
  const db = new DatabaseSync(join(root, 'meta.db'));
  const key = Buffer.from(id.slice(3), 'hex');
  const inline = db.prepare('SELECT inline FROM object WHERE id = ?').get(key)?.['inline'] as Uint8Array;
  inline[at] = (inline[at] ?? 0) ^ 1;
  db.prepare('UPDATE object SET inline = ? WHERE id = ?').run(inline, key);
  db.close();
}

const setup = (scope: TestScope): Promise<DiskObjectStore> => {
  root = mkdtempSync(join(tmpdir(), 'macronode-objects-'));
  return open(scope);
};
const teardown = (): void => rmSync(root, { recursive: true, force: true });

objectStoreConformance('disk', {
  setup,
  teardown,
  corrupt: (_store, id, at) => {
    if (existsSync(fileOf(id))) flip(fileOf(id), at);
    else flipInline(id, at);
    return Promise.resolve();
  },
  leftovers: inTmp,
});

describe('disk object store', () => {
  let test: TestScope;
  let store: DiskObjectStore;
  beforeEach(async () => {
    test = testScope();
    store = await setup(test);
  });
  afterEach(async () => {
    await store.close();
    teardown();
  });
  const reopen = async (): Promise<void> => {
    await store.close();
    test = testScope();
    store = await open(test);
    await store.reconciled();
  };

  it('keeps small objects in rows and larger ones in read-only files', async () => {
    const small = await put(store, randomBytes(16_384));
    const large = await put(store, randomBytes(16_385));
    expect(existsSync(fileOf(small.id))).toBe(false);
    expect(statSync(fileOf(large.id)).mode & 0o777).toBe(0o440);
    expect(readFileSync(join(root, 'VERSION'), 'utf8')).toBe('1\n');
  });

  it('has everything again after a restart, and an empty tmp', async () => {
    const objects = [randomBytes(10), randomBytes(100_000)];
    for (const bytes of objects) await put(store, bytes);
    writeFileSync(join(root, 'tmp', '01ABANDONED'), 'half an upload');
    await reopen();
    expect(inTmp()).toEqual([]);
    for (const bytes of objects) expect((await get(store, hashBytes(bytes))).equals(bytes)).toBe(true);
  });

  it('sets a damaged file aside with its bytes', async () => {
    const { id, size } = await put(store, randomBytes(100_000));
    flip(fileOf(id), 70_000);
    await expect(get(store, id)).rejects.toMatchObject({ code: 'integrity' });
    expect(existsSync(fileOf(id))).toBe(false);
    const [aside = ''] = readdirSync(join(root, 'quarantine'));
    expect(aside.startsWith(`${id.slice(3)}.`)).toBe(true);
    expect(statSync(join(root, 'quarantine', aside)).size).toBe(size);
  });

  it('answers integrity for a file that is short or gone, and takes it out of service', async () => {
    const short = await put(store, randomBytes(100_000));
    chmodSync(fileOf(short.id), 0o600);
    truncateSync(fileOf(short.id), 99_999);
    await expect(get(store, short.id)).rejects.toMatchObject({ code: 'integrity' });
    const gone = await put(store, randomBytes(100_000));
    rmSync(fileOf(gone.id));
    await expect(get(store, gone.id)).rejects.toMatchObject({ code: 'integrity' });
    expect(await store.find(gone.id)).toBeUndefined();
    expect(await test.registry.render()).toMatch(/integrity_fail_total\{[^}]*where="missing"[^}]*\} 1\n/);
  });

  it('adopts a file that lost its row, and quarantines one that is not what its name says', async () => {
    const bytes = randomBytes(200_000);
    const { id } = await put(store, bytes);
    await store.close();
    const db = new DatabaseSync(join(root, 'meta.db'));
    db.exec('DELETE FROM object');
    db.close();
    const liar = hashBytes(randomBytes(3));
    mkdirSync(dirname(fileOf(liar)), { recursive: true });
    writeFileSync(fileOf(liar), 'something else');
    await reopen();
    expect((await get(store, id)).equals(bytes)).toBe(true);
    expect(await store.find(liar)).toBeUndefined();
    expect(readdirSync(join(root, 'quarantine'))).toHaveLength(1);
    const page = await test.registry.render();
    expect(page).toMatch(/reconciled_objects_total\{[^}]*action="adopted"[^}]*\} 1\n/);
    expect(page).toMatch(/integrity_fail_total\{[^}]*where="startup"[^}]*\} 1\n/);
  });

  it('drops the row of a file that is gone, and keeps the others', async () => {
    const gone = await put(store, randomBytes(100_000));
    const kept = await put(store, randomBytes(100_000));
    const small = await put(store, randomBytes(100));
    rmSync(fileOf(gone.id));
    await reopen();
    expect(await store.find(gone.id)).toBeUndefined();
    expect(await store.find(kept.id)).toBeDefined();
    expect(await store.find(small.id)).toBeDefined();
    expect(await test.registry.render()).toMatch(/reconciled_objects_total\{[^}]*action="dropped"[^}]*\} 1\n/);
  });

  it('replaces a file without a row, whatever it holds, by the verified upload', async () => {
    const bytes = randomBytes(100_000);
    const id = hashBytes(bytes);
    mkdirSync(dirname(fileOf(id)), { recursive: true });
    writeFileSync(fileOf(id), 'torn');
    expect(await put(store, bytes)).toMatchObject({ created: true });
    expect((await get(store, id)).equals(bytes)).toBe(true);
  });

  it('never drags a sound file along when an old reader meets a damaged one', async () => {
    const bytes = randomBytes(600_000);
    const { id, size } = await put(store, bytes);
    const reader = store.read({ id, size }, 0, size);
    await reader.next();
    chmodSync(fileOf(id), 0o600);
    const fd = openSync(fileOf(id), 'r+');
    writeSync(fd, Buffer.from('damage'), 0, 6, 599_000);
    closeSync(fd);
    renameSync(fileOf(id), `${fileOf(id)}.old`);
    writeFileSync(fileOf(id), bytes);
    await expect(
      (async () => {
        for await (const piece of reader) expect(piece.length).toBeGreaterThan(0);
      })(),
    ).rejects.toMatchObject({ code: 'integrity' });
    expect((await get(store, id)).equals(bytes)).toBe(true);
  });

  it('takes no upload below the free space it must keep', async () => {
    await store.close();
    store = await open(test, Number.MAX_SAFE_INTEGER);
    expect(store.refusal()).toBe('no_space');
  });

  it('refuses a folder of another layout', async () => {
    await store.close();
    writeFileSync(join(root, 'VERSION'), '2\n');
    await expect(open(testScope())).rejects.toThrow(/layout version 2/);
    writeFileSync(join(root, 'VERSION'), '1\n');
    store = await open(testScope());
  });
});
