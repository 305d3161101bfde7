/** Bytes of every chunk of an object but the last: the unit of verification and of streaming. */
export const CHUNK_BYTES = 65_536;

/** A half-open byte range: `start` is the first byte, `end` one past the last. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Chunk indexes, both inclusive. */
export interface ChunkRange {
  readonly first: number;
  readonly last: number;
}

function wholeBytes(value: number, what: string): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${what} must be a whole number of bytes`);
  return value;
}

/** How many chunks `size` bytes make; the empty object has none. Throws RangeError unless `size` is a whole number ≥ 0. */
export const chunkCount = (size: number): number => Math.ceil(wholeBytes(size, 'size') / CHUNK_BYTES);

/** Where chunk `index` of an object of `size` bytes lies. Throws RangeError when there is no such chunk. */
export function chunkSpan(index: number, size: number): Span {
  if (!Number.isSafeInteger(index) || index < 0 || index >= chunkCount(size)) {
    throw new RangeError(`chunk ${index} is not in an object of ${size} bytes`);
  }
  const start = index * CHUNK_BYTES;
  return { start, end: Math.min(start + CHUNK_BYTES, size) };
}

/** The chunks that hold the bytes `[start, end)`. Throws RangeError when the range is empty: it lies in no chunk. */
export function chunksOfRange(start: number, end: number): ChunkRange {
  if (wholeBytes(end, 'end') <= wholeBytes(start, 'start')) throw new RangeError('the range is empty');
  return { first: Math.floor(start / CHUNK_BYTES), last: Math.floor((end - 1) / CHUNK_BYTES) };
}
