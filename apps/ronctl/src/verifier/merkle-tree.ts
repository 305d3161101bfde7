import { leafHash, nodeHash, sha256 } from './hashes.ts';

const HASH_BYTES = 32;

/** The tree over leaves in order (RFC 9162, 2.1): every complete subtree is kept, so that any earlier size can be asked about. */
export class MerkleTree {
  /** Level 0 are the leaves; hashes lie side by side. */
  readonly #levels: { bytes: Buffer; count: number }[] = [];

  get size(): number {
    return this.#levels[0]?.count ?? 0;
  }

  append(leaf: Uint8Array): void {
    let hash = leafHash(leaf);
    for (let level = 0; ; level += 1) {
      const at = this.#push(level, hash);
      if (at % 2 === 0) return;
      hash = nodeHash(this.hashes(level, at - 1, 1), hash);
    }
  }

  /** `count` hashes of complete subtrees of 2^level leaves, from the one with this index. */
  hashes(level: number, index: number, count: number): Buffer {
    const { bytes } = this.#levels[level] ?? { bytes: Buffer.alloc(0) };
    return bytes.subarray(index * HASH_BYTES, (index + count) * HASH_BYTES);
  }

  root(size: number): Buffer {
    return size === 0 ? sha256() : this.#range(0, size);
  }

  #range(start: number, width: number): Buffer {
    const level = Math.log2(width);
    if (Number.isInteger(level) && start % width === 0) return this.hashes(level, start / width, 1);
    const left = splitPoint(width);
    return nodeHash(this.#range(start, left), this.#range(start + left, width - left));
  }

  #push(level: number, hash: Buffer): number {
    const row = (this.#levels[level] ??= { bytes: Buffer.alloc(HASH_BYTES * 256), count: 0 });
    const at = row.count;
    if ((at + 1) * HASH_BYTES > row.bytes.length)
      row.bytes = Buffer.concat([row.bytes, Buffer.alloc(row.bytes.length)]);
    hash.copy(row.bytes, at * HASH_BYTES);
    row.count = at + 1;
    return at;
  }
}

/** The largest power of two below `width`. */
export function splitPoint(width: number): number {
  let power = 1;
  while (power * 2 < width) power *= 2;
  return power;
}
