import { randomBytes } from 'node:crypto';
import { hashBytes } from '@macronode/content';
import { ServiceError } from '@macronode/contracts';
import { MetricsRegistry, type MetricsScope } from '@macronode/metrics';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type StorageMetrics, storageMetrics } from './metrics.ts';
import type { CommittedObject, ObjectStore } from './object.store.ts';

export interface TestScope {
  readonly registry: MetricsRegistry;
  readonly scope: MetricsScope;
  readonly metrics: StorageMetrics;
}

export function testScope(): TestScope {
  const registry = new MetricsRegistry();
  const scope = registry.scope({ service: 'storage' });
  return { registry, scope, metrics: scope.bind(storageMetrics) };
}

/** What a driver brings to the suite. */
export interface ObjectStoreDriver {
  readonly setup: (scope: TestScope) => Promise<ObjectStore>;
  readonly teardown: () => void;
  /** Changes one stored byte of an object behind the store's back. */
  readonly corrupt: (store: ObjectStore, id: string, at: number) => Promise<void>;
  /** Traces of unfinished uploads. */
  readonly leftovers: () => readonly string[];
}

export async function put(
  store: ObjectStore,
  bytes: Uint8Array,
  expected?: string,
  step = 50_000,
): Promise<CommittedObject> {
  const draft = store.draft();
  for (let at = 0; at < bytes.length; at += step) await draft.write(bytes.subarray(at, at + step));
  return draft.commit(expected);
}

export async function get(store: ObjectStore, id: string, start = 0, end?: number): Promise<Buffer> {
  const object = await store.find(id);
  if (object === undefined) throw new ServiceError('not_found');
  const pieces: Uint8Array[] = [];
  for await (const piece of store.read(object, start, end ?? object.size)) {
    expect(piece.length).toBeLessThanOrEqual(65_536);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

const SIZES = [0, 1, 16_383, 16_384, 16_385, 65_535, 65_536, 65_537, 131_072, 300_000, 1_048_576, 1_048_577];

/** The promises of an object store, for every driver. */
export function objectStoreConformance(name: string, driver: ObjectStoreDriver): void {
  describe(`object store conformance: ${name}`, () => {
    let test: TestScope;
    let store: ObjectStore;
    beforeEach(async () => {
      test = testScope();
      store = await driver.setup(test);
    });
    afterEach(async () => {
      await store.close();
      driver.teardown();
    });

    it.each(SIZES)('gives %i bytes back as they were, under the hash of the whole', async (size) => {
      const bytes = randomBytes(size);
      const id = hashBytes(bytes);
      expect(await store.find(id)).toBeUndefined();
      expect(await put(store, bytes, id)).toEqual({ id, size, created: true });
      expect(await store.find(id)).toEqual({ id, size });
      expect((await get(store, id)).equals(bytes)).toBe(true);
      expect(await put(store, bytes)).toEqual({ id, size, created: false });
      expect(driver.leftovers()).toEqual([]);
    });

    it.each([1, 7_919, 65_536, 65_537, 200_000])('does not care how the bytes are cut: %i at a time', async (step) => {
      const bytes = randomBytes(step === 1 ? 20_000 : 400_000);
      expect((await put(store, bytes, undefined, step)).id).toBe(hashBytes(bytes));
      expect((await get(store, hashBytes(bytes))).equals(bytes)).toBe(true);
    });

    it('reads any range as the slice it is', async () => {
      const objects = new Map<number, Buffer>();
      for (const size of [1, 16_384, 65_537, 400_000]) {
        const bytes = randomBytes(size);
        objects.set(size, bytes);
        await put(store, bytes);
      }
      const ranges = fc
        .tuple(
          fc.constantFrom(...objects.keys()),
          fc.double({ min: 0, max: 1, noNaN: true }),
          fc.double({ min: 0, max: 1, noNaN: true }),
        )
        .map(([size, a, b]) => {
          const [x, y] = [Math.floor(a * size), Math.floor(b * size)];
          return { size, start: Math.min(x, y), end: Math.max(x, y) };
        });
      await fc.assert(
        fc.asyncProperty(ranges, async ({ size, start, end }) => {
          const bytes = objects.get(size) ?? Buffer.alloc(0);
          const read = await get(store, hashBytes(bytes), start, end);
          expect(read.equals(bytes.subarray(start, end))).toBe(true);
        }),
        { numRuns: 200, seed: 11 },
      );
    });

    it('shows nothing and keeps nothing of an upload that was aborted', async () => {
      const bytes = randomBytes(300_000);
      const draft = store.draft();
      await draft.write(bytes);
      expect(draft.size).toBe(300_000);
      await draft.abort();
      await draft.abort();
      expect(await store.find(hashBytes(bytes))).toBeUndefined();
      expect(driver.leftovers()).toEqual([]);
    });

    it.each([100, 300_000])('refuses %i bytes that do not hash to the id that was named', async (size) => {
      const bytes = randomBytes(size);
      const named = hashBytes(randomBytes(10));
      await expect(put(store, bytes, named)).rejects.toMatchObject({ code: 'digest_mismatch' });
      expect(await store.find(named)).toBeUndefined();
      expect(await store.find(hashBytes(bytes))).toBeUndefined();
      expect(driver.leftovers()).toEqual([]);
    });

    it.each([100, 300_000])('creates %i bytes once when many upload them at once', async (size) => {
      const bytes = randomBytes(size);
      const results = await Promise.all(Array.from({ length: 8 }, () => put(store, bytes)));
      expect(results.filter(({ created }) => created)).toHaveLength(1);
      expect((await get(store, hashBytes(bytes))).equals(bytes)).toBe(true);
      expect(driver.leftovers()).toEqual([]);
    });

    it.each([
      ['the only', 5_000, 17],
      ['the first', 300_000, 1],
      ['the last', 300_000, 299_999],
    ])('never serves a damaged chunk: a byte of %s one', async (_which, size, at) => {
      const bytes = randomBytes(size);
      const { id } = await put(store, bytes);
      await driver.corrupt(store, id, at);
      const object = { id, size };
      const served: Uint8Array[] = [];
      const reading = (async () => {
        for await (const piece of store.read(object, 0, size)) served.push(piece);
      })();
      await expect(reading).rejects.toMatchObject({ code: 'integrity' });
      const sound = Math.floor(at / 65_536) * 65_536;
      expect(Buffer.concat(served).equals(bytes.subarray(0, sound))).toBe(true);
      expect(await test.registry.render()).toMatch(
        /storage_integrity_fail_total\{[^}]*where="(chunk|inline)"[^}]*\} 1\n/,
      );
      // It is out of service, and an upload makes it whole again.
      expect(await store.find(id)).toBeUndefined();
      expect(await put(store, bytes)).toEqual({ id, size, created: true });
      expect((await get(store, id)).equals(bytes)).toBe(true);
    });

    it('lets a reader leave in the middle', async () => {
      const { id, size } = await put(store, randomBytes(1_000_000));
      for (let round = 0; round < 50; round++) {
        for await (const piece of store.read({ id, size }, 0, size)) {
          expect(piece.length).toBe(65_536);
          break;
        }
      }
    });

    it('answers not_found for an object it does not have', async () => {
      const id = hashBytes(randomBytes(9));
      const reading = store.read({ id, size: 9 }, 0, 9).next();
      await expect(reading).rejects.toMatchObject({ code: 'not_found' });
    });

    it('would take a write', () => {
      expect(store.refusal()).toBeUndefined();
    });
  });
}
