import { HASH_BYTES, consistencyPath, inclusionPath, nodeHash, treeRoot } from './merkle.ts';
import type { SubtreeHash } from './merkle.ts';
import { TILE_WIDTH, tileWidth } from './tile-path.ts';

const PAGE_BYTES = TILE_WIDTH * HASH_BYTES;

/** Tree levels between the hashes of a tile and those of the tile above it. */
const TILE_HEIGHT = 8;

/**
 * The hashes of an append-only log, in memory: every complete subtree, 64 bytes per leaf. One level is a list of pages
 * as wide as a tile, so growing copies nothing and a full tile is one page.
 *
 * Any size the tree ever had can still be asked about: complete subtrees never change.
 */
export class HashTree {
  readonly #levels: Buffer[][] = [];
  #size = 0;

  /** Leaves so far. */
  get size(): number {
    return this.#size;
  }

  /** Adds a leaf hash and gives its index. Throws RangeError unless it is 32 bytes. */
  append(leaf: Uint8Array): number {
    requireHash(leaf);
    const index = this.#size;
    let hashed = leaf;
    let level = 0;
    let at = index;
    this.#store(level, at, hashed);
    while (at % 2 === 1) {
      hashed = nodeHash(this.#subtree(level, at - 1), hashed);
      level += 1;
      at = (at - 1) / 2;
      this.#store(level, at, hashed);
    }
    this.#size = index + 1;
    return index;
  }

  /** Adds leaf hashes in order. */
  appendAll(leaves: Iterable<Uint8Array>): void {
    for (const leaf of leaves) this.append(leaf);
  }

  /** The root of the tree, or of its first `size` leaves. Throws RangeError for a size it has not reached. */
  root(size = this.#size): Uint8Array {
    this.#requireReached(size);
    return Uint8Array.from(treeRoot(size, this.#subtree));
  }

  /** The root the tree would have with one more leaf; nothing is added. For who must sign before it publishes. */
  rootWith(leaf: Uint8Array): Uint8Array {
    requireHash(leaf);
    let rest = this.#size;
    let root = leaf;
    for (let level = 0, span = 1; rest > 0; level += 1, span *= 2) {
      if (rest % (span * 2) === 0) continue;
      rest -= span;
      root = nodeHash(this.#subtree(level, rest / span), root);
    }
    return Uint8Array.from(root);
  }

  /** Proves that leaf `index` is in the tree of the first `size` leaves. Throws RangeError when there is no such leaf. */
  inclusionProof(index: number, size = this.#size): Uint8Array[] {
    this.#requireReached(size);
    return inclusionPath(index, size, this.#subtree).map((hashed) => Uint8Array.from(hashed));
  }

  /** Proves that the first `to` leaves begin with the first `from`. Throws RangeError when they cannot. */
  consistencyProof(from: number, to = this.#size): Uint8Array[] {
    this.#requireReached(to);
    return consistencyPath(from, to, this.#subtree).map((hashed) => Uint8Array.from(hashed));
  }

  /**
   * The first `width` hashes of a tile (c2sp.org/tlog-tiles), 32 bytes each, or undefined when the tree has not grown
   * to them. A narrower tile than the tree now has is the partial tile of an earlier size.
   */
  tile(level: number, index: number, width: number): Uint8Array | undefined {
    if (![level, index, width].every(Number.isSafeInteger) || width < 1) return undefined;
    const page = this.#levels[level * TILE_HEIGHT]?.[index];
    if (page === undefined || width > tileWidth(level, index, this.#size)) return undefined;
    return Uint8Array.from(page.subarray(0, width * HASH_BYTES));
  }

  readonly #subtree: SubtreeHash = (level, index) => {
    const page = this.#levels[level]?.[Math.floor(index / TILE_WIDTH)];
    if (page === undefined) throw new RangeError('the tree has no such subtree');
    const at = (index % TILE_WIDTH) * HASH_BYTES;
    return page.subarray(at, at + HASH_BYTES);
  };

  #store(level: number, index: number, hashed: Uint8Array): void {
    const pages = (this.#levels[level] ??= []);
    const page = (pages[Math.floor(index / TILE_WIDTH)] ??= Buffer.alloc(PAGE_BYTES));
    page.set(hashed, (index % TILE_WIDTH) * HASH_BYTES);
  }

  #requireReached(size: number): void {
    if (size > this.#size) throw new RangeError('the tree has fewer leaves');
  }
}

function requireHash(leaf: Uint8Array): void {
  if (leaf.length !== HASH_BYTES) throw new RangeError(`a leaf hash is ${HASH_BYTES} bytes`);
}
