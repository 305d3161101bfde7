/** Hashes in a full tile and entries in a full bundle (c2sp.org/tlog-tiles). */
export const TILE_WIDTH = 256;

/** The highest level a tile path may name. */
const LEVEL_MAX = 63;

/** A tile of Merkle tree hashes. `width` is 256 for a full tile, 1 to 255 for a partial one. */
export interface HashTilePath {
  readonly kind: 'hashes';
  readonly level: number;
  readonly index: number;
  readonly width: number;
}

/** A bundle of log entries: what hashes to the level 0 tile of the same index and width. */
export interface EntriesTilePath {
  readonly kind: 'entries';
  readonly index: number;
  readonly width: number;
}

export type TilePath = HashTilePath | EntriesTilePath;

// Six groups of three digits hold every index up to 2^53 - 1.
const PATH =
  /^tile\/(?<level>entries|0|[1-9][0-9]?)\/(?<index>(?:x[0-9]{3}\/){0,5}[0-9]{3})(?:\.p\/(?<width>[1-9][0-9]{0,2}))?$/;

/**
 * Reads `tile/<L>/<N>[.p/<W>]` and `tile/entries/<N>[.p/<W>]` of c2sp.org/tlog-tiles. Undefined for anything but the
 * one spelling of a path: a resource with two names would be cached and served twice.
 */
export function parseTilePath(path: string): TilePath | undefined {
  const groups = PATH.exec(path)?.groups;
  const level = groups?.['level'];
  const elements = groups?.['index'];
  if (level === undefined || elements === undefined) return undefined;
  // `x000/001` is index 1 with a leading group of zeros.
  if (elements.startsWith('x000')) return undefined;
  const index = Number(elements.replaceAll(/[x/]/g, ''));
  const partial = groups?.['width'];
  const width = partial === undefined ? TILE_WIDTH : Number(partial);
  if (!Number.isSafeInteger(index) || (partial !== undefined && width >= TILE_WIDTH)) return undefined;
  if (level === 'entries') return { kind: 'entries', index, width };
  return Number(level) > LEVEL_MAX ? undefined : { kind: 'hashes', level: Number(level), index, width };
}

/** The path of a tile or bundle, without leading slash. Throws RangeError for numbers no path can spell. */
export function formatTilePath(path: TilePath): string {
  const { index, width } = path;
  if (!Number.isSafeInteger(index) || index < 0) throw new RangeError('a tile index is a whole number');
  if (!Number.isSafeInteger(width) || width < 1 || width > TILE_WIDTH) throw new RangeError('a tile is 1 to 256 wide');
  const suffix = width === TILE_WIDTH ? '' : `.p/${width}`;
  return `tile/${levelElement(path)}/${indexElements(index)}${suffix}`;
}

/** How many hashes tile `index` of `level` has in a tree of `size` leaves: 256 when full, 0 when there is no tile. */
export function tileWidth(level: number, index: number, size: number): number {
  const hashes = Math.floor(size / TILE_WIDTH ** level);
  return Math.min(TILE_WIDTH, Math.max(0, hashes - index * TILE_WIDTH));
}

function levelElement(path: TilePath): string {
  if (path.kind === 'entries') return path.kind;
  const { level } = path;
  if (!Number.isSafeInteger(level) || level < 0 || level > LEVEL_MAX) throw new RangeError('a tile level is 0 to 63');
  return String(level);
}

function indexElements(index: number): string {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/[0-9]{3}/g) ?? [];
  return groups.map((group, at) => (at === groups.length - 1 ? group : `x${group}`)).join('/');
}
