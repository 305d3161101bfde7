import { describe, expect, it } from 'vitest';
import { MemoryDeadLetters } from '../in-process/memory-dead-letters.ts';
import { ShardedDeadLetters } from './redis-sharded-letters.ts';

/** Shards in memory; letters get their ids from the time, so several of them share one. */
function shardsOf(count: number): { all: ShardedDeadLetters; shards: MemoryDeadLetters[] } {
  const shards = Array.from(
    { length: count },
    () =>
      new MemoryDeadLetters({
        maxEntries: 1_000,
        maxBytes: 1_000_000,
        append: () => undefined,
        onDropped: () => undefined,
      }),
  );
  const of = (shard: number): Promise<MemoryDeadLetters> => Promise.resolve(shards[shard] as MemoryDeadLetters);
  return { all: new ShardedDeadLetters(count, of), shards };
}

function bury(shard: MemoryDeadLetters | undefined): void {
  shard?.keep({
    service: 'b',
    kind: 'work',
    name: 'topic',
    lane: 'none',
    reason: 'rejected',
    attempts: 1,
    consumer: 'b.1',
    corrId: '',
    traceparent: '',
    frames: 1,
    entry: new Uint8Array(8),
  });
}

describe('dead letters over several shards', () => {
  it('are paged in one order, each once, whatever shard they lie on', async () => {
    const { all, shards } = shardsOf(3);
    for (let n = 0; n < 60; n += 1) bury(shards[(n * 7) % 3]);
    const ids: string[] = [];
    let after: string | undefined;
    do {
      const page = await all.list({ limit: 7, after });
      expect(page.letters.length).toBeLessThanOrEqual(7);
      ids.push(...page.letters.map(({ id }) => id));
      after = page.next;
    } while (after !== undefined);
    expect(new Set(ids).size).toBe(60);
    const places = ids.map((id) => /^(\d+):(\d+)-(\d+)$/.exec(id)?.slice(1).map(Number) ?? []);
    const sorted = places.toSorted(
      ([shard = 0, ms = 0, seq = 0], [other = 0, otherMs = 0, otherSeq = 0]) =>
        ms - otherMs || seq - otherSeq || shard - other,
    );
    expect(places).toEqual(sorted);
  });

  it('are found by their id, and only where it says', async () => {
    const { all, shards } = shardsOf(2);
    bury(shards[1]);
    const [letter] = (await all.list()).letters;
    expect(letter?.id).toMatch(/^1:/);
    const id = letter?.id ?? '';
    expect(await all.show(id)).toMatchObject({ id, bytes: 8 });
    for (const other of [id.slice(2), `0:${id.slice(2)}`, `2:${id.slice(2)}`, 'x']) {
      expect(await all.show(other)).toBeUndefined();
      expect(await all.drop(other)).toBe(false);
      expect(await all.replay(other)).toBe(false);
    }
    expect(await all.list({ after: 'x' })).toEqual({ letters: [], next: undefined });
    expect(await all.drop(id)).toBe(true);
  });

  it('are dropped up to a time on every shard, within the limit', async () => {
    const { all, shards } = shardsOf(3);
    for (let n = 0; n < 9; n += 1) bury(shards[n % 3]);
    expect(await all.dropUntil(Date.now(), 4)).toBe(4);
    expect(await all.dropUntil(1)).toBe(0);
    expect(await all.dropUntil(Date.now())).toBe(5);
  });

  it('carry no shard in their id where there is but one', async () => {
    const { all, shards } = shardsOf(1);
    bury(shards[0]);
    expect((await all.list()).letters[0]?.id).toMatch(/^\d+-\d+$/);
  });
});
