import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HashTree } from './hash-tree.ts';
import { EMPTY_ROOT, leafHash, nodeHash, verifyConsistency, verifyInclusion } from './merkle.ts';
import { referenceRoot } from './recursive-tree-fixture.ts';
import { tileWidth } from './tile-path.ts';

const hex = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString('hex');

const LEAVES = Array.from({ length: 2_000 }, (_, index) => leafHash(Buffer.from(`leaf ${index}`)));

function treeOf(size: number): HashTree {
  const tree = new HashTree();
  tree.appendAll(LEAVES.slice(0, size));
  return tree;
}

/** MTH over the hashes of a tile. */
function rootOfTile(tile: Uint8Array): Uint8Array {
  const hashes = Array.from({ length: tile.length / 32 }, (_, at) => tile.subarray(at * 32, at * 32 + 32));
  return referenceRoot(hashes);
}

const size = () => fc.oneof(fc.nat(2_000), fc.constantFrom(0, 1, 2, 255, 256, 257, 511, 512, 513, 1_024));

describe('a hash tree', () => {
  const whole = treeOf(LEAVES.length);

  it('has the root of the definition at every size it ever had', () => {
    fc.assert(
      fc.property(size(), (n) => {
        const expected = hex(referenceRoot(LEAVES.slice(0, n)));
        expect(hex(whole.root(n))).toBe(expected);
        const tree = treeOf(n);
        expect(tree.size).toBe(n);
        expect(hex(tree.root())).toBe(expected);
      }),
      { numRuns: 60 },
    );
    expect(hex(new HashTree().root())).toBe(hex(EMPTY_ROOT));
  });

  it('tells the next root before it grows, and grows to it', () => {
    const tree = new HashTree();
    for (const [index, leaf] of LEAVES.slice(0, 600).entries()) {
      const next = hex(tree.rootWith(leaf));
      expect(tree.size).toBe(index);
      expect(tree.append(leaf)).toBe(index);
      expect(hex(tree.root())).toBe(next);
    }
  });

  it('proves every leaf and every earlier tree', () => {
    fc.assert(
      fc.property(
        size().filter((n) => n > 0),
        fc.nat(),
        (n, a) => {
          const index = a % n;
          const inclusion = { leaf: LEAVES[index]!, index, size: n, root: whole.root(n) };
          expect(verifyInclusion(inclusion, whole.inclusionProof(index, n))).toBe(true);
          const consistency = { from: index, fromRoot: whole.root(index), to: n, toRoot: whole.root(n) };
          expect(verifyConsistency(consistency, whole.consistencyProof(index, n))).toBe(true);
          expect(treeOf(n).consistencyProof(index)).toEqual(whole.consistencyProof(index, n));
        },
      ),
      { numRuns: 100 },
    );
  });

  it('refuses sizes, leaves and hashes it does not have', () => {
    const tree = treeOf(10);
    for (const bad of [11, -1, 0.5, Number.NaN]) {
      expect(() => tree.root(bad)).toThrow(RangeError);
      expect(() => tree.inclusionProof(0, bad)).toThrow(RangeError);
      expect(() => tree.consistencyProof(0, bad)).toThrow(RangeError);
    }
    expect(() => tree.inclusionProof(10)).toThrow(RangeError);
    expect(() => tree.append(Buffer.alloc(31))).toThrow(RangeError);
    expect(() => tree.rootWith(Buffer.alloc(33))).toThrow(RangeError);
    expect(tree.size).toBe(10);
  });

  it('hands out copies: what a caller does to them does not reach the tree', () => {
    const tree = treeOf(512);
    const before = hex(tree.root());
    tree.root().fill(0);
    tree.root(256).fill(0);
    for (const hashed of tree.inclusionProof(300)) hashed.fill(0);
    for (const hashed of tree.consistencyProof(300)) hashed.fill(0);
    tree.tile(0, 0, 256)!.fill(0);
    expect(hex(tree.root())).toBe(before);
    expect(hex(tree.root(256))).toBe(hex(referenceRoot(LEAVES.slice(0, 256))));
    expect(hex(tree.tile(0, 0, 1))).toBe(hex(LEAVES[0]));
  });
});

describe('the tiles of a hash tree', () => {
  const tree = treeOf(LEAVES.length);

  it('have the width of their place in the tree, and no more', () => {
    for (const n of [0, 1, 255, 256, 257, 2_000]) {
      const grown = treeOf(n);
      for (const level of [0, 1, 2]) {
        for (const index of [0, 1, 7, 8]) {
          const width = tileWidth(level, index, n);
          if (width > 0) expect(grown.tile(level, index, width)).toHaveLength(width * 32);
          expect(grown.tile(level, index, width + 1)).toBeUndefined();
          expect(grown.tile(level, index, 0)).toBeUndefined();
        }
      }
    }
  });

  it('hold the leaves at level 0, and above it the roots of full tiles', () => {
    for (let index = 0; index < 7; index += 1) {
      const full = tree.tile(0, index, 256)!;
      expect(hex(full)).toBe(hex(Buffer.concat(LEAVES.slice(index * 256, (index + 1) * 256))));
      expect(hex(tree.tile(1, 0, 7)!.subarray(index * 32, index * 32 + 32))).toBe(hex(rootOfTile(full)));
    }
  });

  it('give the root of every size, with nothing but themselves', () => {
    fc.assert(
      fc.property(
        size().filter((n) => n > 0),
        (n) => {
          const full = Math.floor(n / 256);
          const last = n % 256;
          const subtrees = Array.from({ length: full }, (_, at) =>
            tree.tile(1, 0, full)!.subarray(at * 32, at * 32 + 32),
          );
          const rest = last === 0 ? undefined : rootOfTile(tree.tile(0, full, last)!);
          expect(hex(foldRight(subtrees, rest))).toBe(hex(tree.root(n)));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('are undefined for numbers that name no tile', () => {
    for (const bad of [-1, 0.5, Number.NaN, 64, 1e9]) {
      expect(tree.tile(bad, 0, 1)).toBeUndefined();
      expect(tree.tile(0, bad, 1)).toBeUndefined();
    }
    for (const bad of [-1, 0, 0.5, Number.NaN, 257]) expect(tree.tile(0, 0, bad)).toBeUndefined();
  });

  /** The root over full tiles and what follows them. */
  function foldRight(subtrees: readonly Uint8Array[], rest: Uint8Array | undefined): Uint8Array {
    if (rest === undefined) return referenceRoot(subtrees);
    if (subtrees.length === 0) return rest;
    let left = 1;
    while (left * 2 <= subtrees.length) left *= 2;
    return nodeHash(referenceRoot(subtrees.slice(0, left)), foldRight(subtrees.slice(left), rest));
  }
});
