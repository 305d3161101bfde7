import { beforeEach, describe, expect, it } from 'vitest';
import type { NameStore, NameWrite } from './name.store.ts';

const write = (fields: Partial<NameWrite> = {}): NameWrite => {
  const seq = fields.seq ?? 1;
  const owner = fields.owner ?? 'alice';
  return {
    name: 'a.b',
    seq,
    owner,
    body: `{"seq":${seq},"owner":"${owner}"}`,
    etag: `tag-${owner}-${seq}`,
    storedAt: 1_000 + seq,
    mustBeNew: false,
    ifMatch: undefined,
    expected: undefined,
    historyMax: 3,
    ...fields,
  };
};

/** What every driver of names must do. `open` answers an empty store, closed by the caller's own teardown. */
export function describeNameStore(driver: string, open: () => Promise<NameStore>): void {
  describe(`names in ${driver}`, () => {
    let store: NameStore;
    beforeEach(async () => {
      store = await open();
    });

    it('answers what was put, and nothing for a name never put', async () => {
      expect(await store.get('a.b')).toBeUndefined();
      expect(await store.put(write())).toEqual({ outcome: 'created' });
      expect(await store.get('a.b')).toEqual({
        name: 'a.b',
        seq: 1,
        owner: 'alice',
        body: '{"seq":1,"owner":"alice"}',
        etag: 'tag-alice-1',
      });
      expect(await store.get('a')).toBeUndefined();
    });

    it('lets the sequence only grow, with gaps, and counts a repeat as nothing', async () => {
      await store.put(write({ seq: 5 }));
      expect(await store.put(write({ seq: 4 }))).toEqual({ outcome: 'stale_seq', current: 5 });
      expect(await store.put(write({ seq: 5, etag: 'other' }))).toEqual({ outcome: 'stale_seq', current: 5 });
      expect(await store.put(write({ seq: 5 }))).toEqual({ outcome: 'unchanged' });
      expect(await store.put(write({ seq: 9 }))).toEqual({ outcome: 'updated' });
      expect((await store.get('a.b'))?.seq).toBe(9);
    });

    it('keeps a name with its owner', async () => {
      await store.put(write());
      expect(await store.put(write({ owner: 'mallory', seq: 7 }))).toEqual({ outcome: 'not_owner', current: 1 });
      expect((await store.get('a.b'))?.owner).toBe('alice');
    });

    it('judges preconditions against the current tag', async () => {
      const failed = (current: number) => ({ outcome: 'precondition_failed', current });
      expect(await store.put(write({ ifMatch: '*' }))).toEqual(failed(0));
      expect(await store.put(write({ mustBeNew: true }))).toEqual({ outcome: 'created' });
      expect(await store.put(write({ mustBeNew: true, seq: 2 }))).toEqual(failed(1));
      expect(await store.put(write({ ifMatch: ['nope'], seq: 2 }))).toEqual(failed(1));
      expect(await store.put(write({ ifMatch: ['nope', 'tag-alice-1'], seq: 2 }))).toEqual({ outcome: 'updated' });
      expect(await store.put(write({ ifMatch: '*', seq: 3 }))).toEqual({ outcome: 'updated' });
      expect(await store.put(write({ ifMatch: ['tag-alice-2'], seq: 3 }))).toEqual({ outcome: 'unchanged' });
    });

    it('lets one of many writers that read the same record win', async () => {
      await store.put(write());
      const tries = Array.from({ length: 20 }, (_, i) =>
        store.put(write({ seq: 2, etag: `try-${i}`, expected: 'tag-alice-1' })),
      );
      const outcomes = (await Promise.all(tries)).map(({ outcome }) => outcome);
      expect(outcomes.filter((outcome) => outcome === 'updated')).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === 'raced')).toHaveLength(19);
      expect(await store.put(write({ name: 'new', expected: 'x' }))).toEqual({ outcome: 'raced', current: 0 });
      expect(await store.put(write({ name: 'new', expected: null }))).toEqual({ outcome: 'created' });
    });

    it('keeps the newest past records, as many as asked for', async () => {
      for (let seq = 1; seq <= 6; seq += 1) await store.put(write({ seq }));
      const history = await store.history('a.b', 10);
      expect(history.map(({ seq }) => seq)).toEqual([6, 5, 4]);
      expect(history[0]).toEqual({ seq: 6, body: '{"seq":6,"owner":"alice"}', etag: 'tag-alice-6', storedAt: 1_006 });
      expect(await store.history('a.b', 1)).toHaveLength(1);
    });

    it('counts names, not writes', async () => {
      expect(store.count()).toBe(0);
      await store.put(write());
      await store.put(write({ seq: 2 }));
      await store.put(write({ name: 'c' }));
      expect(store.count()).toBe(2);
      expect(store.writable).toBe(true);
    });
  });
}
