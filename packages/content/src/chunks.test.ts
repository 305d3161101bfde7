import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHUNK_BYTES, chunkCount, chunkSpan, chunksOfRange } from './chunks.ts';

const size = () =>
  fc.oneof(
    fc.nat(5 * CHUNK_BYTES),
    fc.tuple(fc.nat(5), fc.integer({ min: -1, max: 1 })).map(([n, d]) => Math.max(0, n * CHUNK_BYTES + d)),
  );

describe('chunk arithmetic', () => {
  it('tiles the object: spans join without gap, overlap or empty chunk', () => {
    fc.assert(
      fc.property(size(), (bytes) => {
        let at = 0;
        for (let i = 0; i < chunkCount(bytes); i += 1) {
          const span = chunkSpan(i, bytes);
          expect(span.start).toBe(at);
          expect(span.end - span.start).toBeGreaterThan(0);
          expect(span.end - span.start).toBeLessThanOrEqual(CHUNK_BYTES);
          at = span.end;
        }
        expect(at).toBe(bytes);
      }),
    );
  });

  it('covers a range with exactly the chunks it touches', () => {
    fc.assert(
      fc.property(
        size().filter((n) => n > 0),
        fc.nat(),
        fc.nat(),
        (bytes, a, b) => {
          const start = a % bytes;
          const end = start + 1 + (b % (bytes - start));
          const { first, last } = chunksOfRange(start, end);
          for (let i = 0; i < chunkCount(bytes); i += 1) {
            const span = chunkSpan(i, bytes);
            expect(i >= first && i <= last).toBe(span.start < end && span.end > start);
          }
        },
      ),
    );
  });

  it('refuses what has no answer', () => {
    expect(chunkCount(0)).toBe(0);
    for (const bad of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => chunkCount(bad)).toThrow(RangeError);
    expect(() => chunkSpan(0, 0)).toThrow(RangeError);
    expect(() => chunkSpan(1, CHUNK_BYTES)).toThrow(RangeError);
    expect(() => chunkSpan(-1, 10)).toThrow(RangeError);
    expect(() => chunksOfRange(5, 5)).toThrow(RangeError);
    expect(() => chunksOfRange(-1, 5)).toThrow(RangeError);
  });
});
