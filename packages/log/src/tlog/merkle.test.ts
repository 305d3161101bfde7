import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  EMPTY_ROOT,
  consistencyPath,
  inclusionPath,
  leafHash,
  nodeHash,
  treeRoot,
  verifyConsistency,
  verifyInclusion,
} from './merkle.ts';
import { referenceConsistency, referenceInclusion, referenceRoot, referenceSubtree } from './recursive-tree-fixture.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** The leaves, roots and proofs of the reference implementation of RFC 6962. */
const KNOWN_LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
].map((text) => leafHash(Buffer.from(text, 'hex')));

const KNOWN_ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

describe('the vectors of RFC 6962', () => {
  const subtree = referenceSubtree(KNOWN_LEAVES);

  it('give the known roots', () => {
    expect(KNOWN_ROOTS.map((_, size) => hex(treeRoot(size, subtree)))).toEqual(KNOWN_ROOTS);
    expect(hex(EMPTY_ROOT)).toBe(KNOWN_ROOTS[0]);
  });

  it.each([
    [0, 1, []],
    [
      0,
      8,
      [
        '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
      ],
    ],
    [
      5,
      8,
      [
        'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
        'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
        'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
      ],
    ],
    [2, 3, ['fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125']],
    [
      1,
      5,
      [
        '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      ],
    ],
  ])('give the known inclusion proof of leaf %i in %i', (index, size, known) => {
    expect(inclusionPath(index, size, subtree).map(hex)).toEqual(known);
  });

  it.each([
    [1, 1, []],
    [
      1,
      8,
      [
        '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
      ],
    ],
    [
      6,
      8,
      [
        '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
        'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
        'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
      ],
    ],
    [
      2,
      5,
      [
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      ],
    ],
  ])('give the known consistency proof from %i to %i', (from, to, known) => {
    expect(consistencyPath(from, to, subtree).map(hex)).toEqual(known);
  });
});

const LEAVES = Array.from({ length: 2_000 }, (_, index) => leafHash(Buffer.from(`leaf ${index}`)));
const subtree = referenceSubtree(LEAVES);

const small = () => fc.integer({ min: 1, max: 70 });
const size = () => fc.oneof(fc.integer({ min: 1, max: 2_000 }), small());

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = Math.floor(bit / 8) % copy.length;
  copy[at] = (copy[at] ?? 0) ^ (1 << (bit % 8));
  return copy;
}

describe('roots and proofs', () => {
  it('are those of the definition', () => {
    fc.assert(
      fc.property(size(), fc.nat(), (n, a) => {
        const m = a % n;
        expect(hex(treeRoot(n, subtree))).toBe(hex(referenceRoot(LEAVES.slice(0, n))));
        expect(inclusionPath(m, n, subtree).map(hex)).toEqual(referenceInclusion(m, LEAVES.slice(0, n)).map(hex));
        expect(consistencyPath(m + 1, n, subtree).map(hex)).toEqual(
          referenceConsistency(m + 1, LEAVES.slice(0, n)).map(hex),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('are not defined outside the tree', () => {
    for (const bad of [-1, 0.5, Number.NaN, 2 ** 53]) {
      expect(() => treeRoot(bad, subtree)).toThrow(RangeError);
      expect(() => inclusionPath(bad, 10, subtree)).toThrow(RangeError);
      expect(() => consistencyPath(bad, 10, subtree)).toThrow(RangeError);
    }
    expect(() => inclusionPath(10, 10, subtree)).toThrow(RangeError);
    expect(() => inclusionPath(0, 0, subtree)).toThrow(RangeError);
    expect(() => consistencyPath(11, 10, subtree)).toThrow(RangeError);
    expect(consistencyPath(0, 10, subtree)).toEqual([]);
  });

  it('reach trees far over 2^32 leaves', () => {
    // Every complete subtree of equal leaves has the root of its height.
    const heights = [leafHash(Buffer.from('same'))];
    for (let level = 0; level < 53; level += 1) heights.push(nodeHash(heights[level]!, heights[level]!));
    const same = (level: number): Uint8Array => heights[level]!;
    const [from, to] = [2 ** 45 + 12_345, 2 ** 53 - 1];
    const claim = { leaf: heights[0]!, index: 2 ** 51 + 7, size: to, root: treeRoot(to, same) };
    const path = inclusionPath(claim.index, to, same);
    expect(path).toHaveLength(53);
    expect(verifyInclusion(claim, path)).toBe(true);
    expect(verifyInclusion({ ...claim, size: 2 ** 51 + 8 }, path)).toBe(false);
    const roots = { from, fromRoot: treeRoot(from, same), to, toRoot: claim.root };
    expect(verifyConsistency(roots, consistencyPath(from, to, same))).toBe(true);
    expect(verifyConsistency({ ...roots, fromRoot: claim.leaf }, consistencyPath(from, to, same))).toBe(false);
  });
});

describe('an inclusion proof', () => {
  it('proves its leaf, index, size and root, and nothing else', () => {
    fc.assert(
      fc.property(size(), fc.nat(), fc.nat(), fc.nat(), (n, a, b, bit) => {
        const index = a % n;
        const path = inclusionPath(index, n, subtree);
        const claim = { leaf: LEAVES[index]!, index, size: n, root: treeRoot(n, subtree) };
        expect(verifyInclusion(claim, path)).toBe(true);

        expect(verifyInclusion({ ...claim, leaf: flipped(claim.leaf, bit) }, path)).toBe(false);
        expect(verifyInclusion({ ...claim, root: flipped(claim.root, bit) }, path)).toBe(false);
        expect(verifyInclusion(claim, [...path, claim.leaf])).toBe(false);
        expect(verifyInclusion({ ...claim, index: n + (b % 5) }, path)).toBe(false);
        const other = b % n;
        if (other !== index) expect(verifyInclusion({ ...claim, index: other }, path)).toBe(false);
        if (path.length === 0) return;
        const at = b % path.length;
        expect(verifyInclusion(claim, path.with(at, flipped(path[at]!, bit)))).toBe(false);
        expect(verifyInclusion(claim, path.toSpliced(at, 1))).toBe(false);
        expect(verifyInclusion(claim, path.toSpliced(at, 0, path[at]!))).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it('passes under a wrong size only where that size asks for the same hashing', () => {
    // A path does not tell its size: the checkpoint that signs the root does. This is all the freedom there is.
    fc.assert(
      fc.property(small(), fc.nat(), small(), (n, a, other) => {
        const index = a % n;
        const claim = { leaf: LEAVES[index]!, index, size: other, root: treeRoot(n, subtree) };
        const same = index < other && sides(index, n) === sides(index, other);
        expect(verifyInclusion(claim, inclusionPath(index, n, subtree))).toBe(same);
      }),
      { numRuns: 500 },
    );
  });

  it('has no more hashes than its tree has levels, whatever root they add up to', () => {
    const claim = { leaf: LEAVES[0]!, index: 0, size: 1, root: nodeHash(LEAVES[1]!, LEAVES[0]!) };
    expect(verifyInclusion(claim, [LEAVES[1]!])).toBe(false);
  });

  it('is false, not an error, for what makes no sense', () => {
    const claim = { leaf: LEAVES[0]!, index: 0, size: 1, root: LEAVES[0]! };
    expect(verifyInclusion(claim, [])).toBe(true);
    for (const bad of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(verifyInclusion({ ...claim, index: bad }, [])).toBe(false);
      expect(verifyInclusion({ ...claim, size: bad }, [])).toBe(false);
    }
    const short = Buffer.alloc(31);
    expect(verifyInclusion({ ...claim, leaf: short, root: short }, [])).toBe(false);
    expect(verifyInclusion({ ...claim, size: 2 }, [short])).toBe(false);
  });
});

/** On which side each sibling of a path is, from the root down. */
function sides(index: number, size: number): string {
  if (size <= 1) return '';
  let left = 1;
  while (left * 2 < size) left *= 2;
  return index < left ? `R${sides(index, left)}` : `L${sides(index - left, size - left)}`;
}

describe('a consistency proof', () => {
  it('proves its two sizes and roots, and nothing else', () => {
    fc.assert(
      fc.property(size(), fc.nat(), fc.nat(), fc.nat(), (to, a, b, bit) => {
        const from = 1 + (a % to);
        const path = consistencyPath(from, to, subtree);
        const claim = { from, fromRoot: treeRoot(from, subtree), to, toRoot: treeRoot(to, subtree) };
        expect(verifyConsistency(claim, path)).toBe(true);

        expect(verifyConsistency({ ...claim, fromRoot: flipped(claim.fromRoot, bit) }, path)).toBe(false);
        expect(verifyConsistency({ ...claim, toRoot: flipped(claim.toRoot, bit) }, path)).toBe(false);
        expect(verifyConsistency({ ...claim, from: to, to: from }, path)).toBe(from === to);
        expect(verifyConsistency(claim, [...path, claim.toRoot])).toBe(false);
        if (path.length === 0) return;
        expect(verifyConsistency({ ...claim, fromRoot: claim.toRoot }, path)).toBe(false);
        const at = b % path.length;
        expect(verifyConsistency(claim, path.with(at, flipped(path[at]!, bit)))).toBe(false);
        expect(verifyConsistency(claim, path.toSpliced(at, 1))).toBe(false);
        expect(verifyConsistency(claim, path.toSpliced(at, 0, path[at]!))).toBe(false);
        expect(verifyConsistency(claim, [])).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it('has as many hashes as its sizes ask for, whatever roots they add up to', () => {
    const path = consistencyPath(3, 4, subtree);
    const [third, fourth, left] = path as [Uint8Array, Uint8Array, Uint8Array];
    const claim = { from: 3, fromRoot: treeRoot(3, subtree), to: 4, toRoot: treeRoot(4, subtree) };
    expect(verifyConsistency(claim, path)).toBe(true);
    expect(verifyConsistency({ ...claim, to: 8 }, path)).toBe(false);
    const more = LEAVES[9]!;
    const fromRoot = nodeHash(more, nodeHash(left, third));
    const toRoot = nodeHash(more, nodeHash(left, nodeHash(third, fourth)));
    expect(verifyConsistency({ ...claim, fromRoot, toRoot }, [...path, more])).toBe(false);
  });

  it('is empty from the empty tree and between equal sizes', () => {
    const root = treeRoot(9, subtree);
    expect(verifyConsistency({ from: 0, fromRoot: EMPTY_ROOT, to: 9, toRoot: root }, [])).toBe(true);
    expect(verifyConsistency({ from: 0, fromRoot: EMPTY_ROOT, to: 9, toRoot: root }, [root])).toBe(false);
    expect(verifyConsistency({ from: 0, fromRoot: root, to: 9, toRoot: root }, [])).toBe(false);
    expect(verifyConsistency({ from: 0, fromRoot: EMPTY_ROOT, to: 0, toRoot: EMPTY_ROOT }, [])).toBe(true);
    expect(verifyConsistency({ from: 0, fromRoot: EMPTY_ROOT, to: 0, toRoot: root }, [])).toBe(false);
    expect(verifyConsistency({ from: 9, fromRoot: root, to: 9, toRoot: root }, [])).toBe(true);
    expect(verifyConsistency({ from: 9, fromRoot: root, to: 9, toRoot: root }, [root])).toBe(false);
  });

  it('is false, not an error, for what makes no sense', () => {
    const claim = { from: 1, fromRoot: LEAVES[0]!, to: 2, toRoot: treeRoot(2, subtree) };
    expect(verifyConsistency(claim, [LEAVES[1]!])).toBe(true);
    for (const bad of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(verifyConsistency({ ...claim, from: bad }, [LEAVES[1]!])).toBe(false);
      expect(verifyConsistency({ ...claim, to: bad }, [LEAVES[1]!])).toBe(false);
    }
    expect(verifyConsistency(claim, [Buffer.alloc(31)])).toBe(false);
    expect(verifyConsistency({ ...claim, fromRoot: Buffer.alloc(0) }, [LEAVES[1]!])).toBe(false);
  });
});
