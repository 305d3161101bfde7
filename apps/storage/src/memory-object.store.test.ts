import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { MemoryObjectStore } from './memory-object.store.ts';
import { get, objectStoreConformance, put, testScope } from './object.store.conformance.ts';

objectStoreConformance('memory', {
  setup: ({ metrics }) => Promise.resolve(new MemoryObjectStore(64 * 1024 * 1024, metrics)),
  teardown: () => undefined,
  corrupt: async (store, id, at) => {
    const object = await store.find(id);
    if (object === undefined) throw new Error('nothing to corrupt');
    // What a read of memory gives out is the stored chunk itself.
    for await (const piece of store.read(object, at, at + 1)) piece[0] = (piece[0] ?? 0) ^ 1;
  },
  leftovers: () => [],
});

describe('memory object store', () => {
  it('refuses beyond its bound, gives the room back, and says so before an upload', async () => {
    const { metrics, registry } = testScope();
    const store = new MemoryObjectStore(300_000, metrics);
    await put(store, randomBytes(200_000));
    const draft = store.draft();
    await draft.write(randomBytes(100_000));
    expect(store.refusal()).toBe('no_space');
    await expect(draft.write(randomBytes(1))).rejects.toMatchObject({ code: 'no_space' });
    await draft.abort();
    expect(store.refusal()).toBeUndefined();
    const bytes = randomBytes(100_000);
    const { id } = await put(store, bytes);
    expect((await get(store, id)).equals(bytes)).toBe(true);
    await expect(put(store, randomBytes(1))).rejects.toMatchObject({ code: 'no_space' });
    expect(await registry.render()).toMatch(/storage_disk_free_bytes\{[^}]*\} 0\n/);
  });

  it('gives back what a repeated or mistaken upload reserved', async () => {
    const store = new MemoryObjectStore(300_000, testScope().metrics);
    const bytes = randomBytes(140_000);
    for (let round = 0; round < 10; round++) {
      await put(store, bytes);
      await expect(put(store, bytes, `b3:${'0'.repeat(64)}`)).rejects.toMatchObject({ code: 'digest_mismatch' });
    }
  });
});
