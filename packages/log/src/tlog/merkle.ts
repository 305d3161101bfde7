import { hash } from 'node:crypto';

/** Bytes of a SHA-256 hash: the only hash of the log's tree. */
export const HASH_BYTES = 32;

/** The root of the tree without leaves: the hash of nothing (RFC 9162 section 2.1.1). */
export const EMPTY_ROOT: Uint8Array = hash('sha256', Buffer.alloc(0), 'buffer');

const LEAF_PREFIX = Buffer.of(0x00);

/** The hash of an entry: SHA-256(0x00 ‖ entry), so that no entry passes for an inner node (RFC 9162 section 2.1.1). */
export const leafHash = (entry: Uint8Array): Uint8Array =>
  hash('sha256', Buffer.concat([LEAF_PREFIX, entry]), 'buffer');

// Hashing is synchronous, so one buffer serves every call.
const node = Buffer.alloc(1 + 2 * HASH_BYTES, 0x01);

/** The hash of an inner node: SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  node.set(left, 1);
  node.set(right, 1 + HASH_BYTES);
  return hash('sha256', node, 'buffer');
}

/**
 * Gives the root of the complete subtree over the leaves `[index · 2^level, (index + 1) · 2^level)`. Everything below
 * asks only for subtrees that lie inside the tree it was asked about.
 */
export type SubtreeHash = (level: number, index: number) => Uint8Array;

/** The root of the first `size` leaves: O(log size) hashes. Throws RangeError unless `size` is a whole number ≥ 0. */
export function treeRoot(size: number, subtree: SubtreeHash): Uint8Array {
  if (!isCount(size)) throw new RangeError('a tree size is a whole number');
  return size === 0 ? EMPTY_ROOT : rangeRoot(0, size, subtree);
}

/**
 * PATH(index, D[size]) of RFC 9162 section 2.1.3.1, from the sibling of the leaf up to a child of the root.
 * Throws RangeError when the tree of `size` leaves has no such leaf.
 */
export function inclusionPath(index: number, size: number, subtree: SubtreeHash): Uint8Array[] {
  if (!isCount(index) || !isCount(size) || index >= size) throw new RangeError('no such leaf in the tree');
  const path: Uint8Array[] = [];
  let start = 0;
  let width = size;
  while (width > 1) {
    const left = splitPoint(width);
    if (index - start < left) {
      path.push(rangeRoot(start + left, width - left, subtree));
      width = left;
    } else {
      path.push(rangeRoot(start, left, subtree));
      start += left;
      width -= left;
    }
  }
  return path.reverse();
}

/**
 * PROOF(from, D[to]) of RFC 9162 section 2.1.4.1. Empty when the sizes are equal, and when `from` is zero: every tree
 * extends the empty one. Throws RangeError when `from` is over `to`.
 */
export function consistencyPath(from: number, to: number, subtree: SubtreeHash): Uint8Array[] {
  if (!isCount(from) || !isCount(to) || from > to) throw new RangeError('a tree extends only a smaller one');
  const path: Uint8Array[] = [];
  if (from === 0) return path;
  let start = 0;
  let width = to;
  while (from - start < width) {
    const left = splitPoint(width);
    if (from - start <= left) {
      path.push(rangeRoot(start + left, width - left, subtree));
      width = left;
    } else {
      path.push(rangeRoot(start, left, subtree));
      start += left;
      width -= left;
    }
  }
  // The verifier has the old root: a subtree that is the whole old tree is not sent.
  if (start > 0) path.push(rangeRoot(start, width, subtree));
  return path.reverse();
}

/**
 * What an inclusion proof says: the entry with this leaf hash is at `index` in the tree of `size` leaves. Size and root
 * belong together and must come from one checkpoint: a path alone does not tell the size apart from some others.
 */
export interface InclusionClaim {
  readonly leaf: Uint8Array;
  readonly index: number;
  readonly size: number;
  readonly root: Uint8Array;
}

/** Whether `path` proves the claim (RFC 9162 section 2.1.3.2). False, never an exception, for input that makes no sense. */
export function verifyInclusion(claim: InclusionClaim, path: readonly Uint8Array[]): boolean {
  const { leaf, index, size, root } = claim;
  if (!isCount(index) || !isCount(size) || index >= size) return false;
  if (![leaf, root, ...path].every(isHash)) return false;
  let position = index;
  let last = size - 1;
  let computed = leaf;
  for (const sibling of path) {
    if (last === 0) return false;
    if (isOdd(position) || position === last) {
      computed = nodeHash(sibling, computed);
      while (!isOdd(position) && position !== 0) {
        position = half(position);
        last = half(last);
      }
    } else {
      computed = nodeHash(computed, sibling);
    }
    position = half(position);
    last = half(last);
  }
  return last === 0 && isSame(computed, root);
}

/**
 * What a consistency proof says: the tree of `to` leaves begins with the tree of `from` leaves. Each size and its root
 * must come from one checkpoint, as with {@link InclusionClaim}.
 */
export interface ConsistencyClaim {
  readonly from: number;
  readonly fromRoot: Uint8Array;
  readonly to: number;
  readonly toRoot: Uint8Array;
}

/**
 * Whether `path` proves the claim (RFC 9162 section 2.1.4.2). Between equal sizes, and from the empty tree (whose root
 * is {@link EMPTY_ROOT}), only the empty path proves. False, never an exception, for input that makes no sense.
 */
export function verifyConsistency(claim: ConsistencyClaim, path: readonly Uint8Array[]): boolean {
  const { from, fromRoot, to, toRoot } = claim;
  if (!isCount(from) || !isCount(to) || from > to) return false;
  if (![fromRoot, toRoot, ...path].every(isHash)) return false;
  if (from === 0 && !isSame(fromRoot, EMPTY_ROOT)) return false;
  if (from === to) return path.length === 0 && isSame(fromRoot, toRoot);
  if (from === 0) return path.length === 0;

  let position = from - 1;
  let last = to - 1;
  while (isOdd(position)) {
    position = half(position);
    last = half(last);
  }
  // A power of two: the old tree is itself the first subtree, and the proof does not repeat it.
  const [seed, ...rest] = position === 0 ? [fromRoot, ...path] : path;
  if (seed === undefined) return false;
  let old = seed;
  let computed = seed;
  for (const sibling of rest) {
    if (last === 0) return false;
    if (isOdd(position) || position === last) {
      old = nodeHash(sibling, old);
      computed = nodeHash(sibling, computed);
      while (!isOdd(position) && position !== 0) {
        position = half(position);
        last = half(last);
      }
    } else {
      computed = nodeHash(computed, sibling);
    }
    position = half(position);
    last = half(last);
  }
  return last === 0 && isSame(old, fromRoot) && isSame(computed, toRoot);
}

// Sizes go beyond 2^32, where the bitwise operators of JavaScript end: the arithmetic below is on whole doubles.
const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
const isOdd = (value: number): boolean => value % 2 === 1;
const half = (value: number): number => Math.floor(value / 2);
const isHash = (bytes: Uint8Array): boolean => bytes.length === HASH_BYTES;
const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** The largest power of two below `width`, which is over 1. */
function splitPoint(width: number): number {
  let power = 1;
  while (power * 2 < width) power *= 2;
  return power;
}

/** The root of `[start, start + width)`, where `start` is a multiple of a power of two that is not below `width`. */
function rangeRoot(start: number, width: number, subtree: SubtreeHash): Uint8Array {
  let rest = width;
  let root: Uint8Array | undefined;
  let level = 0;
  let span = 1;
  // The complete subtrees of the range, smallest and rightmost first.
  while (rest > 0) {
    if (rest % (span * 2) !== 0) {
      rest -= span;
      const hashed = subtree(level, (start + rest) / span);
      root = root === undefined ? hashed : nodeHash(hashed, root);
    }
    level += 1;
    span *= 2;
  }
  if (root === undefined) throw new RangeError('the range is empty');
  return root;
}
