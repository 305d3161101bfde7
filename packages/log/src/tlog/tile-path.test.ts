import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatTilePath, parseTilePath, tileWidth } from './tile-path.ts';
import type { TilePath } from './tile-path.ts';

describe('a tile path', () => {
  it.each<[string, TilePath]>([
    ['tile/0/000', { kind: 'hashes', level: 0, index: 0, width: 256 }],
    ['tile/0/x001/x234/067', { kind: 'hashes', level: 0, index: 1_234_067, width: 256 }],
    ['tile/63/999', { kind: 'hashes', level: 63, index: 999, width: 256 }],
    ['tile/1/x001/000.p/255', { kind: 'hashes', level: 1, index: 1_000, width: 255 }],
    ['tile/entries/000.p/1', { kind: 'entries', index: 0, width: 1 }],
    ['tile/entries/x273/112', { kind: 'entries', index: 273_112, width: 256 }],
    ['tile/entries/x009/x007/x199/x254/x740/991', { kind: 'entries', index: 2 ** 53 - 1, width: 256 }],
  ])('%s is read and written', (path, parsed) => {
    expect(parseTilePath(path)).toEqual(parsed);
    expect(formatTilePath(parsed)).toBe(path);
  });

  it('comes back the same from every tile', () => {
    const place = { index: fc.maxSafeNat(), width: fc.integer({ min: 1, max: 256 }) };
    const tiles = fc.oneof(
      fc.record({ kind: fc.constant('hashes' as const), level: fc.nat(63), ...place }),
      fc.record({ kind: fc.constant('entries' as const), ...place }),
    );
    fc.assert(
      fc.property(tiles, (tile) => {
        expect(parseTilePath(formatTilePath(tile))).toEqual(tile);
      }),
    );
  });

  it('has one spelling: what is read is written the same', () => {
    const part = fc.constantFrom(
      'tile/',
      'entries/',
      '0',
      '1',
      '6',
      '64',
      '255',
      '256',
      'x',
      '000',
      '/',
      '.p/',
      'x001/',
    );
    const text = fc.array(part, { maxLength: 8 }).map((parts) => `tile/${parts.join('')}`);
    fc.assert(
      fc.property(text, (path) => {
        const parsed = parseTilePath(path);
        if (parsed !== undefined) expect(formatTilePath(parsed)).toBe(path);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    '',
    'tile/',
    'tile/0',
    'tile/0/',
    'tile/0/0',
    'tile/0/00',
    'tile/0/0000',
    'tile/0/x000/001',
    'tile/0/x000/x001/001',
    'tile/0/x001',
    'tile/0/001/001',
    'tile/0/x01/001',
    'tile/0/X001/001',
    'tile/0/x001/x002/x003/x004/x005/x006/007',
    'tile/0/x009/x007/x199/x254/x740/992',
    'tile/00/000',
    'tile/01/000',
    'tile/64/000',
    'tile/-1/000',
    'tile/+1/000',
    'tile/1e1/000',
    'tile/a/000',
    'tile/data/000',
    'tile/Entries/000',
    'tile/0/000.p',
    'tile/0/000.p/',
    'tile/0/000.p/0',
    'tile/0/000.p/01',
    'tile/0/000.p/256',
    'tile/0/000.p/1000',
    'tile/0/000.p/1/',
    'tile/0/x001.p/1/000',
    'tile/0/000/',
    'tile/0/000\n',
    ' tile/0/000',
    '/tile/0/000',
    'tile//000',
    'tile/0/٠٠٠',
    'tile/entries/../0/000',
    'tile/entries/%30%30%30',
  ])('%j is none', (path) => {
    expect(parseTilePath(path)).toBeUndefined();
  });

  it('cannot be written for numbers it cannot spell', () => {
    const tile = { kind: 'hashes', level: 0, index: 0, width: 256 } as const;
    for (const bad of [-1, 0.5, Number.NaN, 2 ** 53]) {
      expect(() => formatTilePath({ ...tile, index: bad })).toThrow(RangeError);
      expect(() => formatTilePath({ ...tile, level: bad })).toThrow(RangeError);
      expect(() => formatTilePath({ ...tile, width: bad })).toThrow(RangeError);
    }
    expect(() => formatTilePath({ ...tile, level: 64 })).toThrow(RangeError);
    expect(() => formatTilePath({ ...tile, width: 0 })).toThrow(RangeError);
    expect(() => formatTilePath({ ...tile, width: 257 })).toThrow(RangeError);
  });
});

describe('the width of a tile', () => {
  it('is that of the examples of the specification', () => {
    const widths = (level: number, size: number): number[] => {
      const found: number[] = [];
      for (let index = 0; tileWidth(level, index, size) > 0; index += 1) found.push(tileWidth(level, index, size));
      return found;
    };
    expect(widths(0, 70_000)).toEqual([...Array<number>(273).fill(256), 112]);
    expect(widths(1, 70_000)).toEqual([256, 17]);
    expect(widths(2, 70_000)).toEqual([1]);
    expect(widths(3, 70_000)).toEqual([]);
    expect([widths(0, 256), widths(1, 256), widths(2, 256)]).toEqual([[256], [1], []]);
    expect(widths(0, 0)).toEqual([]);
  });
});
