import { MetricsRegistry } from '@macronode/metrics';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { siblingModule, statement } from './command.ts';
import type { commands } from './conformance.commands.ts';
import { StoreBusy, StoreClosed, StoreCommandError, StoreFatal } from './errors.ts';
import { openStore, type OpenStoreOptions } from './open-store.ts';
import type { StoreLimits } from './store-limits.ts';
import type { Store } from './store.ts';

export const CONFORMANCE_MODULE = siblingModule('./conformance.commands', import.meta.url);

export type ConformanceStore = Store<typeof commands>;

/** What a driver brings: where its stores live, and how to clean up after a test. */
export interface StoreDriver {
  readonly setup: () => OpenStoreOptions['location'];
  readonly teardown: () => void;
}

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

/** The promises of a store, for every driver. */
export function storeConformance(name: string, driver: StoreDriver): void {
  describe(`store conformance: ${name}`, () => {
    let registry: MetricsRegistry;
    let store: ConformanceStore;
    const open = (limits: Partial<StoreLimits> = {}): Promise<ConformanceStore> => {
      registry = new MetricsRegistry();
      const metrics = registry.scope({ service: 'test' });
      return openStore<typeof commands>({ location: driver.setup(), module: CONFORMANCE_MODULE, metrics, limits });
    };

    beforeEach(async () => {
      store = await open();
    });
    afterEach(async () => {
      await store.close();
      driver.teardown();
    });

    it('answers a command with its result, and the reader sees it at once', async () => {
      expect(await store.write('put', { key: 'a', value: bytes('one') })).toEqual({ version: 1 });
      expect(await store.write('put', { key: 'a', value: bytes('two') })).toEqual({ version: 2 });
      const row = statement(store.reader, 'SELECT value, version FROM item WHERE key = ?').get('a');
      expect(Buffer.from(row?.['value'] as Uint8Array).toString()).toBe('two');
      expect(row?.['version']).toBe(2);
    });

    it('runs commands in the order of the calls', async () => {
      const versions = await Promise.all(
        Array.from({ length: 2_500 }, (_, i) => store.write('put', { key: 'k', value: bytes(String(i)) })),
      );
      expect(versions.map(({ version }) => version)).toEqual(Array.from({ length: 2_500 }, (_, i) => i + 1));
      expect(Buffer.from((await store.write('get', { key: 'k' })) ?? []).toString()).toBe('2499');
    });

    it('commits what arrives together together', async () => {
      await Promise.all(Array.from({ length: 100 }, (_, i) => store.write('insert', { key: String(i) })));
      expect(await registry.render()).toContain('store_batch_commands_count{service="test"} 1\n');
    });

    it('gives a refused command its own rollback and its caller the code, the message and the fields', async () => {
      const results = await Promise.allSettled([
        store.write('insert', { key: 'before' }),
        store.write('putThenRefuse', { key: 'refused' }),
        store.write('failPlainly', { message: 'odd thing' }),
        store.write('insert', { key: 'after' }),
      ]);
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
      const reasons = results.map((result): unknown => (result.status === 'rejected' ? result.reason : undefined));
      const [, refused, plain] = reasons;
      expect(refused).toBeInstanceOf(StoreCommandError);
      expect(refused).toMatchObject({
        code: 'stale',
        message: 'the sequence is not above the stored one',
        details: { current: 7 },
      });
      expect(Array.from((refused as { details: { bytes: Uint8Array } }).details.bytes)).toEqual([1, 2]);
      expect(plain).toMatchObject({ code: 'odd', message: 'odd thing', details: { seq: 3 } });
      const keys = statement(store.reader, 'SELECT key FROM item ORDER BY key').all();
      expect(keys.map((row) => row['key'])).toEqual(['after', 'before']);
    });

    it('names a violated constraint', async () => {
      await store.write('insert', { key: 'a' });
      await expect(store.write('insert', { key: 'a' })).rejects.toMatchObject({ code: 'constraint' });
      expect(store.fatal).toBeUndefined();
    });

    it('refuses data that cannot cross a thread, in both directions', async () => {
      const odd = { key: 'a', value: new Map() } as unknown as { key: string; value: Uint8Array };
      await expect(store.write('put', odd)).rejects.toBeInstanceOf(TypeError);
      await expect(store.write('answerFunction', undefined)).rejects.toMatchObject({ code: 'internal' });
      await expect(store.write('nothing' as 'get', { key: 'a' })).rejects.toMatchObject({ code: 'internal' });
    });

    it('keeps only the bytes of a view, not the buffer below it', async () => {
      const large = new Uint8Array(1024 * 1024).fill(9);
      await store.write('put', { key: 'view', value: large.subarray(5, 8) });
      expect(Array.from((await store.write('get', { key: 'view' })) ?? [])).toEqual([9, 9, 9]);
    });

    it('refuses when the queue is full, by commands and by bytes, and takes writes again afterwards', async () => {
      await store.close();
      driver.teardown();
      store = await open({ maxQueuedCommands: 2, maxQueuedBytes: 1_000 });
      const accepted = [store.write('insert', { key: 'a' }), store.write('insert', { key: 'b' })];
      await expect(store.write('insert', { key: 'c' })).rejects.toMatchObject({ reason: 'commands', retryable: true });
      await Promise.all(accepted);
      const first = store.write('put', { key: 'd', value: new Uint8Array(900) });
      const refused = store.write('put', { key: 'e', value: new Uint8Array(900) });
      await expect(refused).rejects.toBeInstanceOf(StoreBusy);
      await first;
      await store.write('insert', { key: 'f' });
      const page = await registry.render();
      expect(page).toMatch(/store_commands_total\{[^}]*result="busy"[^}]*\} 2\n/);
      expect(page).toMatch(/store_commands_total\{[^}]*result="ok"[^}]*\} 4\n/);
      expect(page).toMatch(/store_queue_depth\{[^}]*\} 0\n/);
    });

    it('splits batches at both bounds', async () => {
      await store.close();
      driver.teardown();
      store = await open({ maxBatchCommands: 10, maxBatchBytes: 2_000 });
      await Promise.all(Array.from({ length: 25 }, (_, i) => store.write('insert', { key: `k${i}` })));
      await Promise.all(
        Array.from({ length: 3 }, (_, i) => store.write('put', { key: `v${i}`, value: new Uint8Array(1_500) })),
      );
      expect(await registry.render()).toContain('store_batch_commands_count{service="test"} 6\n');
    });

    it('answers what it accepted before it closes, and nothing after', async () => {
      const accepted = store.write('insert', { key: 'a' });
      const closed = store.close();
      await expect(store.write('insert', { key: 'b' })).rejects.toBeInstanceOf(StoreClosed);
      await accepted;
      await closed;
      await store.close();
      expect(store.fatal).toBeUndefined();
    });

    it('is fatal when a command ends the transaction of its batch: nothing of it is acknowledged, reads go on', async () => {
      await store.write('insert', { key: 'kept' });
      const told: StoreFatal[] = [];
      store.onFatal((error) => told.push(error));
      const neighbour = store.write('insert', { key: 'neighbour' });
      const culprit = store.write('endTransaction', undefined);
      await expect(neighbour).rejects.toBeInstanceOf(StoreFatal);
      await expect(culprit).rejects.toBeInstanceOf(StoreFatal);
      await expect(store.write('insert', { key: 'late' })).rejects.toBeInstanceOf(StoreFatal);
      expect(told).toEqual([store.fatal]);
      expect(await registry.render()).toMatch(/store_fatal_state\{[^}]*\} 1\n/);
      expect(statement(store.reader, 'SELECT count(*) AS n FROM item WHERE key = ?').get('kept')?.['n']).toBe(1);
    });

    it('agrees with a map under any sequence of writes', async () => {
      const step = fc.record({ key: fc.constantFrom('a', 'b', 'c'), value: fc.uint8Array({ maxLength: 40 }) });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
          const model = new Map<string, string>();
          await Promise.all(
            steps.map(({ key, value }) => {
              model.set(key, Buffer.from(value).toString('hex'));
              return store.write('put', { key, value });
            }),
          );
          for (const [key, hex] of model) {
            expect(Buffer.from((await store.write('get', { key })) ?? []).toString('hex')).toBe(hex);
          }
        }),
        { numRuns: 20, seed: 7 },
      );
    });
  });
}
