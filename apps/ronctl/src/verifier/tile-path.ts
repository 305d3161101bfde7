/** Hashes of a full tile, entries of a full bundle (C2SP tlog-tiles). */
export const TILE_WIDTH = 256;

/** Levels of the tree in one level of tiles. */
export const TILE_HEIGHT = 8;

/** One resource of the tiles: hashes of a level, or the entries under level 0. */
export interface Tile {
  readonly level: number | 'entries';
  readonly index: number;
  /** How much of it a tree of the size at hand has. */
  readonly width: number;
}

/** Every tile and bundle of a tree, bundles beside their level 0 tile: in the order of what they cover. */
export function* tilesOf(size: number): Generator<Tile> {
  for (let level = 0, count = size; count > 0; level += 1, count = Math.floor(count / TILE_WIDTH)) {
    for (let index = 0; index * TILE_WIDTH < count; index += 1) {
      const width = Math.min(TILE_WIDTH, count - index * TILE_WIDTH);
      yield { level, index, width };
      if (level === 0) yield { level: 'entries', index, width };
    }
  }
}

/** How many {@link tilesOf} gives. */
export function tileCount(size: number): number {
  let tiles = Math.ceil(size / TILE_WIDTH);
  for (let count = size; count > 0; count = Math.floor(count / TILE_WIDTH)) tiles += Math.ceil(count / TILE_WIDTH);
  return tiles;
}

/** `tile/0/x001/234.p/5`: groups of three digits, all but the last after an x. */
export function tilePath({ level, index, width }: Tile): string {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.{3}/g) ?? [];
  const spelled = groups.map((group, at) => (at === groups.length - 1 ? group : `x${group}`)).join('/');
  return `tile/${level}/${spelled}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}
