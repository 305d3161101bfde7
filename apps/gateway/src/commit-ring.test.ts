import type { RegistryCommitted } from '@macronode/contracts';
import { describe, expect, it } from 'vitest';
import { CommitRing } from './commit-ring.ts';

const commitOf = (version: number): RegistryCommitted => ({
  version,
  payload_b3: `b3:${'0'.repeat(64)}`,
  entry_b3: `b3:${'0'.repeat(64)}`,
  committed_at: '2026-01-01T00:00:00.000Z',
});
const between = (from: number, to: number): RegistryCommitted[] =>
  Array.from({ length: to - from + 1 }, (_, at) => commitOf(from + at));
const versions = (commits: readonly RegistryCommitted[]): number[] => commits.map(({ version }) => version);

describe('a ring of commits', () => {
  it('has what came after its beginning', () => {
    const ring = new CommitRing(10, 5);
    for (const committed of between(6, 9)) ring.push(committed);
    expect([ring.after, ring.position]).toEqual([5, 9]);
    expect(versions(ring.slice(6, 2))).toEqual([7, 8]);
    expect(versions(ring.slice(8, 2))).toEqual([9]);
    expect(versions(ring.slice(9, 2))).toEqual([]);
  });

  it('keeps the newest, and at least as many as it may', () => {
    const ring = new CommitRing(4, 0);
    for (const committed of between(1, 100)) {
      ring.push(committed);
      expect(ring.position - ring.after).toBeLessThan(8);
      expect(ring.position - ring.after).toBeGreaterThanOrEqual(Math.min(4, committed.version));
    }
  });

  it('takes older ones where they fit, as many as there is room for', () => {
    const ring = new CommitRing(4, 10);
    for (const committed of between(11, 12)) ring.push(committed);
    ring.unshift(between(5, 9));
    expect(ring.after).toBe(10);
    ring.unshift([]);
    expect(ring.after).toBe(10);
    ring.unshift(between(5, 10));
    expect(versions(ring.slice(0, 100))).toEqual([9, 10, 11, 12]);
  });
});
