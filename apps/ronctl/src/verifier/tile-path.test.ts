import { expect, test } from 'vitest';
import { parseTilePath, tileWidth } from '@macronode/log';
import { tileCount, tilePath, tilesOf } from './tile-path.ts';

test('tiles are spelled as the specification has them', () => {
  expect(tilePath({ level: 0, index: 0, width: 256 })).toBe('tile/0/000');
  expect(tilePath({ level: 'entries', index: 1_234_067, width: 5 })).toBe('tile/entries/x001/x234/067.p/5');
  for (const index of [0, 7, 999, 1_000, 123_456, 999_999, 1_000_000]) {
    const tile = { level: 2, index, width: 9 };
    expect(parseTilePath(tilePath(tile))).toEqual({ kind: 'hashes', ...tile });
  }
});

test.each([0, 1, 255, 256, 257, 600, 65_536, 70_000])(
  'a tree of %i entries has every tile once, and no other',
  (size) => {
    const tiles = [...tilesOf(size)];
    expect(tiles).toHaveLength(tileCount(size));
    expect(new Set(tiles.map(tilePath)).size).toBe(tiles.length);
    for (const { level, index, width } of tiles) {
      expect(width).toBe(tileWidth(level === 'entries' ? 0 : level, index, size));
    }
    const covered = tiles.filter(({ level }) => level === 'entries').reduce((sum, { width }) => sum + width, 0);
    expect(covered).toBe(size);
  },
);
