import { leafHash } from './hashes.ts';
import type { HttpSource } from './http-source.ts';
import type { MerkleTree } from './merkle-tree.ts';
import { OrderedWindow } from './ordered-window.ts';
import { TILE_HEIGHT, TILE_WIDTH, type Tile, tilePath, tilesOf } from './tile-path.ts';
import { VerificationFailed } from './verification-failed.ts';

const HASH_BYTES = 32;
const REQUESTS = 8;

/** Compares every tile and every entry bundle the node serves with those the log gives. Resolves with how many there are. */
export async function checkTiles(
  source: HttpSource,
  tree: MerkleTree,
  size: number,
  onTile: () => void,
): Promise<number> {
  const window = new OrderedWindow(REQUESTS);
  let tiles = 0;
  for (const tile of tilesOf(size)) {
    tiles += 1;
    await window.add(checkTile(source, tree, tile).then(onTile));
  }
  await window.settled();
  return tiles;
}

async function checkTile(source: HttpSource, tree: MerkleTree, tile: Tile): Promise<void> {
  const served = await fetchTile(source, tile);
  if (tile.level === 'entries') checkEntries(served, tree, tile);
  else checkHashes(served, tree, tile, tile.level);
}

/** The tile; when its partial form is gone because the log went on, the first part of the full one. */
async function fetchTile(source: HttpSource, tile: Tile): Promise<Buffer> {
  const wanted = await source.get(`/registry/tlog/${tilePath(tile)}`);
  if (wanted.status === 200) return wanted.body;
  if (tile.width < TILE_WIDTH) {
    const full = await source.get(`/registry/tlog/${tilePath({ ...tile, width: TILE_WIDTH })}`);
    if (full.status === 200) return firstPart(full.body, tile);
  }
  const check = tile.level === 'entries' ? 'entries' : 'tiles';
  throw new VerificationFailed(check, `${tilePath(tile)} is not served (${wanted.status})`, firstVersion(tile, 0));
}

function firstPart(full: Buffer, { level, width }: Tile): Buffer {
  if (level !== 'entries') return full.subarray(0, width * HASH_BYTES);
  let end = 0;
  for (let at = 0; at < width && end + 2 <= full.length; at += 1) end += 2 + full.readUInt16BE(end);
  return full.subarray(0, end);
}

/** The first version under hash `at` of a tile. */
function firstVersion({ level, index }: Tile, at: number): number {
  return (index * TILE_WIDTH + at) * TILE_WIDTH ** (level === 'entries' ? 0 : level) + 1;
}

function checkHashes(served: Buffer, tree: MerkleTree, tile: Tile, level: number): void {
  const expected = tree.hashes(level * TILE_HEIGHT, tile.index * TILE_WIDTH, tile.width);
  if (served.equals(expected)) return;
  let at = 0;
  const hash = (bytes: Buffer): Buffer => bytes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES);
  while (at < tile.width - 1 && hash(served).equals(hash(expected))) at += 1;
  throw new VerificationFailed('tiles', `${tilePath(tile)} is not what the log gives`, firstVersion(tile, at));
}

function checkEntries(served: Buffer, tree: MerkleTree, tile: Tile): void {
  let start = 0;
  for (let at = 0; at < tile.width; at += 1) {
    const fail = (problem: string): never => {
      throw new VerificationFailed('entries', `${tilePath(tile)}: ${problem}`, firstVersion(tile, at));
    };
    if (start + 2 > served.length) fail('it ends before this entry');
    const end = start + 2 + served.readUInt16BE(start);
    if (end > served.length) fail('it ends in this entry');
    const expected = tree.hashes(0, tile.index * TILE_WIDTH + at, 1);
    if (!leafHash(served.subarray(start + 2, end)).equals(expected)) fail('the entry is not the leaf of the log');
    start = end;
  }
  if (start !== served.length) {
    throw new VerificationFailed(
      'entries',
      `${tilePath(tile)} has more than its entries`,
      firstVersion(tile, tile.width - 1),
    );
  }
}
