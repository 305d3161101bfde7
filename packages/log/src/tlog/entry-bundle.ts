import { TlogMalformed } from './malformed.ts';
import { TILE_WIDTH } from './tile-path.ts';

/** Bytes of the largest entry: its length is written as a uint16. */
export const ENTRY_BYTES_MAX = 65_535;

const LENGTH_BYTES = 2;

/**
 * Entries as a bundle of c2sp.org/tlog-tiles has them: each after its length as a big-endian uint16.
 * Throws RangeError for no entries, over 256, or one over {@link ENTRY_BYTES_MAX}.
 */
export function encodeEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  if (entries.length < 1 || entries.length > TILE_WIDTH) throw new RangeError('a bundle has 1 to 256 entries');
  const parts = entries.flatMap((entry) => {
    if (entry.length > ENTRY_BYTES_MAX) throw new RangeError(`an entry has at most ${ENTRY_BYTES_MAX} bytes`);
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt16BE(entry.length);
    return [length, entry];
  });
  return Buffer.concat(parts);
}

/**
 * The entries of a bundle, as views of `bundle`. How many there should be is in the path it came from.
 * Throws {@link TlogMalformed} (`entry_bundle`) when it is empty, cut off, or has over 256 entries.
 */
export function decodeEntryBundle(bundle: Uint8Array): Uint8Array[] {
  const view = new DataView(bundle.buffer, bundle.byteOffset, bundle.byteLength);
  const entries: Uint8Array[] = [];
  let at = 0;
  while (at < bundle.length) {
    if (entries.length === TILE_WIDTH) throw new TlogMalformed('entry_bundle', 'over 256 entries');
    if (at + LENGTH_BYTES > bundle.length) throw new TlogMalformed('entry_bundle', 'cut off in a length');
    const start = at + LENGTH_BYTES;
    at = start + view.getUint16(at);
    if (at > bundle.length) throw new TlogMalformed('entry_bundle', 'cut off in an entry');
    entries.push(bundle.subarray(start, at));
  }
  if (entries.length === 0) throw new TlogMalformed('entry_bundle', 'no entries');
  return entries;
}
