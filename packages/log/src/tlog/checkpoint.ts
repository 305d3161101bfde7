import { formatBase64, parseDecimal, parseHash } from './line-fields.ts';
import { TlogMalformed } from './malformed.ts';
import { HASH_BYTES } from './merkle.ts';

/** A log's tree head (c2sp.org/tlog-checkpoint). */
export interface Checkpoint {
  /** What identifies the log. By custom its address without scheme, but nothing may rely on that. */
  readonly origin: string;
  /** Leaves of the tree; at most 2^53 - 1 here. */
  readonly size: number;
  readonly root: Uint8Array;
  /** Opaque lines after the root. Not recommended, and not signed by ML-DSA-44 cosigners. */
  readonly extensions: readonly string[];
}

/** Bytes of the longest origin: a cosigned message gives its length one byte. */
const ORIGIN_BYTES_MAX = 255;

/** The text of a checkpoint, to be signed as a note. Throws RangeError for values no checkpoint can hold. */
export function formatCheckpoint(checkpoint: Checkpoint): string {
  const { origin, size, root, extensions } = checkpoint;
  if (!isOrigin(origin)) throw new RangeError(`an origin is one line of 1 to ${ORIGIN_BYTES_MAX} bytes`);
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError('a tree size is a whole number');
  if (root.length !== HASH_BYTES) throw new RangeError(`a root hash is ${HASH_BYTES} bytes`);
  if (!extensions.every(isLine)) throw new RangeError('an extension line is one line, not empty');
  return [origin, size, formatBase64(root), ...extensions, ''].join('\n');
}

/**
 * Reads the text of a checkpoint. {@link formatCheckpoint} gives back the same text: a checkpoint has one spelling.
 * Throws {@link TlogMalformed}: `checkpoint_lines`, `origin`, `tree_size`, `root_hash`.
 */
export function parseCheckpoint(text: string): Checkpoint {
  const lines = text.split('\n');
  // What ends in a newline ends in an empty text here.
  if (lines.pop() !== '') throw new TlogMalformed('checkpoint_lines', 'the last line has no end');
  const [origin, sizeLine, rootLine, ...extensions] = lines;
  if (origin === undefined || sizeLine === undefined || rootLine === undefined || !extensions.every(isLine)) {
    throw new TlogMalformed('checkpoint_lines', 'fewer than three lines, or a line that may not stand');
  }
  if (!isOrigin(origin)) throw new TlogMalformed('origin', `an origin is 1 to ${ORIGIN_BYTES_MAX} bytes`);
  const size = parseDecimal(sizeLine);
  if (size === undefined) throw new TlogMalformed('tree_size', 'a tree size is a decimal up to 2^53 - 1');
  const root = parseHash(rootLine);
  if (root === undefined) throw new TlogMalformed('root_hash', `a root hash is ${HASH_BYTES} bytes in base64`);
  return { origin, size, root, extensions };
}

const CONTROL = /[\u0000-\u001f]/;

const isLine = (line: string): boolean => line !== '' && line.isWellFormed() && !CONTROL.test(line);

const isOrigin = (origin: string): boolean => isLine(origin) && Buffer.byteLength(origin) <= ORIGIN_BYTES_MAX;
