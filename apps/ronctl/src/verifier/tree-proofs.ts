import { nodeHash } from './hashes.ts';
import { splitPoint } from './merkle-tree.ts';

type Hash = Uint8Array;

/** The root that an inclusion proof leads to (RFC 9162, 2.1.3.1, read backwards); undefined when it has too few or too many hashes. */
export function rootOfInclusion(leaf: Hash, index: number, size: number, path: readonly Hash[]): Hash | undefined {
  if (index >= size) return undefined;
  if (size === 1) return path.length === 0 ? leaf : undefined;
  const sibling = path.at(-1);
  if (sibling === undefined) return undefined;
  const left = splitPoint(size);
  const rest = path.slice(0, -1);
  if (index < left) {
    const root = rootOfInclusion(leaf, index, left, rest);
    return root && nodeHash(root, sibling);
  }
  const root = rootOfInclusion(leaf, index - left, size - left, rest);
  return root && nodeHash(sibling, root);
}

interface Roots {
  readonly from: Hash;
  readonly to: Hash;
}

/** The roots that a consistency proof leads to (RFC 9162, 2.1.4.1, read backwards), for 0 < from < to. */
export function rootsOfConsistency(from: number, to: number, old: Hash, path: readonly Hash[]): Roots | undefined {
  return subproof(from, to, old, path, true);
}

function subproof(from: number, to: number, old: Hash, path: readonly Hash[], whole: boolean): Roots | undefined {
  if (from === to) {
    const [hash, ...others] = whole ? [old, ...path] : path;
    return hash === undefined || others.length > 0 ? undefined : { from: hash, to: hash };
  }
  const sibling = path.at(-1);
  if (sibling === undefined) return undefined;
  const left = splitPoint(to);
  const rest = path.slice(0, -1);
  if (from <= left) {
    const roots = subproof(from, left, old, rest, whole);
    return roots && { from: roots.from, to: nodeHash(roots.to, sibling) };
  }
  const roots = subproof(from - left, to - left, old, rest, false);
  return roots && { from: nodeHash(sibling, roots.from), to: nodeHash(sibling, roots.to) };
}
