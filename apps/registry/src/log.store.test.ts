import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MetricsRegistry } from '@macronode/metrics';
import { afterAll, describe } from 'vitest';
import { logStoreConformance } from './log.store.conformance.ts';
import { SqliteLogStore } from './sqlite-log.store.ts';

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));
const metrics = () => new MetricsRegistry().scope({ service: 'registry' });

describe('on disk', () => {
  logStoreConformance(() => {
    const folder = mkdtempSync(join(tmpdir(), 'registry-store-'));
    folders.push(folder);
    return SqliteLogStore.open({ location: { file: join(folder, 'registry.db') }, metrics: metrics() });
  });
});

describe('in memory', () => {
  logStoreConformance(() => SqliteLogStore.open({ location: 'memory', metrics: metrics() }));
});
