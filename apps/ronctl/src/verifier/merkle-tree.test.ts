import { describe, expect, test } from 'vitest';
import { HashTree, leafHash as libraryLeafHash } from '@macronode/log';
import { leafHash } from './hashes.ts';
import { MerkleTree } from './merkle-tree.ts';
import { rootOfInclusion, rootsOfConsistency } from './tree-proofs.ts';

const SIZE = 70;
const leaves = Array.from({ length: SIZE }, (_, i) => Buffer.from(`leaf ${i}`));
const mine = new MerkleTree();
const theirs = new HashTree();
for (const leaf of leaves) {
  mine.append(leaf);
  theirs.append(libraryLeafHash(leaf));
}

describe('two implementations of the tree', () => {
  test('agree on the root of every size', () => {
    for (let size = 0; size <= SIZE; size += 1) expect(mine.root(size).equals(theirs.root(size))).toBe(true);
  });

  test('agree on every proof of inclusion, and on none that is changed', () => {
    for (let size = 1; size <= SIZE; size += 1) {
      for (let index = 0; index < size; index += 1) {
        const path = theirs.inclusionProof(index, size);
        const rootOf = (changed: readonly Uint8Array[]) =>
          rootOfInclusion(leafHash(leaves[index]!), index, size, changed);
        expect(mine.root(size).compare(rootOf(path)!)).toBe(0);
        expect(rootOf([...path, Buffer.alloc(32)])).toBeUndefined();
        if (path.length > 0) expect(rootOf(path.slice(1))).toBeUndefined();
      }
    }
    expect(rootOfInclusion(Buffer.alloc(32), 3, 3, [])).toBeUndefined();
  });

  test('agree on every proof of consistency, and on none that is changed', () => {
    for (let to = 2; to <= SIZE; to += 1) {
      for (let from = 1; from < to; from += 1) {
        const path = theirs.consistencyProof(from, to);
        const rootsOf = (changed: readonly Uint8Array[]) => rootsOfConsistency(from, to, mine.root(from), changed);
        const roots = rootsOf(path)!;
        expect([mine.root(from).compare(roots.from), mine.root(to).compare(roots.to)]).toEqual([0, 0]);
        expect(rootsOf(path.slice(1))).toBeUndefined();
        expect(rootsOf([...path, Buffer.alloc(32)])).toBeUndefined();
      }
    }
  });
});
