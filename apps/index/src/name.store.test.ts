import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MetricsRegistry } from '@macronode/metrics';
import { afterEach, describe, expect, it } from 'vitest';
import { describeNameStore } from './name.store.conformance.ts';
import { SqliteNameStore } from './sqlite-name.store.ts';

const metrics = () => new MetricsRegistry().scope({ service: 'index' });
const cleanup: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'names-'));
  cleanup.push(async () => Promise.resolve(rmSync(path, { recursive: true, force: true })));
  return path;
}

async function open(location: { file: string } | 'memory'): Promise<SqliteNameStore> {
  const store = await SqliteNameStore.open({ location, metrics: metrics() });
  cleanup.push(() => store.close());
  return store;
}

describeNameStore('memory', () => open('memory'));
describeNameStore('a file', () => open({ file: join(folder(), 'index.db') }));

describe('names in a file', () => {
  it('are there after a restart, with their history and count', async () => {
    const file = join(folder(), 'index.db');
    const before = await open({ file });
    const record = { name: 'a', owner: 'o', storedAt: 1, mustBeNew: false, ifMatch: undefined, expected: undefined };
    await before.put({ ...record, seq: 1, body: '{"a":1}', etag: 'one', historyMax: 9 });
    await before.put({ ...record, seq: 2, body: '{"a":2}', etag: 'two', historyMax: 9 });
    await before.close();
    const after = await open({ file });
    expect(await after.get('a')).toEqual({ name: 'a', seq: 2, owner: 'o', body: '{"a":2}', etag: 'two' });
    expect((await after.history('a', 9)).map(({ seq }) => seq)).toEqual([2, 1]);
    expect(after.count()).toBe(1);
  });
});
