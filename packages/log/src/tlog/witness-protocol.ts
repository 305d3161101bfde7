import { formatHashes, parseDecimal, parseHashes, textOf } from './line-fields.ts';
import { TlogMalformed } from './malformed.ts';
import { NOTE_BYTES_MAX } from './note.ts';
import { formatSignedCheckpoint, parseSignedCheckpoint } from './signed-checkpoint.ts';
import type { SignedCheckpoint } from './signed-checkpoint.ts';

/**
 * What a log asks of a witness (`add-checkpoint` of c2sp.org/tlog-witness): to cosign `checkpoint`, which extends the
 * tree of `oldSize` leaves the witness knows. Parsed is not checked: the sizes, the signatures and the proof are the
 * witness's to judge, because each has an answer of its own.
 */
export interface AddCheckpointRequest {
  readonly oldSize: number;
  readonly consistency: readonly Uint8Array[];
  readonly checkpoint: SignedCheckpoint;
}

/** The most lines of consistency proof a request may have, by the specification. */
const CONSISTENCY_LINES_MAX = 63;

/** Bytes of the largest request: a checkpoint, and the lines before it. */
export const ADD_CHECKPOINT_BYTES_MAX = NOTE_BYTES_MAX + 4_096;

/** Bytes of the largest answer that tells a size: sixteen digits and a newline, and then some. */
const KNOWN_SIZE_BYTES_MAX = 32;

/** The media type of the answer that tells which size the witness knows (409). */
export const TREE_SIZE_MEDIA_TYPE = 'text/x.tlog.size';

const OLD = 'old ';

/** The body of a request. Throws RangeError for what no request can hold. */
export function formatAddCheckpoint(request: AddCheckpointRequest): string {
  const { oldSize, consistency } = request;
  if (!Number.isSafeInteger(oldSize) || oldSize < 0) throw new RangeError('a tree size is a whole number');
  if (consistency.length > CONSISTENCY_LINES_MAX) {
    throw new RangeError(`a consistency proof has at most ${CONSISTENCY_LINES_MAX} hashes`);
  }
  const lines = [OLD + String(oldSize), ...formatHashes(consistency), '', ''];
  return lines.join('\n') + formatSignedCheckpoint(request.checkpoint);
}

/**
 * Reads the body of a request. Throws {@link TlogMalformed}: `too_large`, `encoding`, `old_size`, `consistency_proof`,
 * and what parseSignedCheckpoint throws.
 */
export function parseAddCheckpoint(body: Uint8Array | string): AddCheckpointRequest {
  const text = textOf(body, ADD_CHECKPOINT_BYTES_MAX);
  // The first empty line ends what is before the checkpoint.
  const divide = text.indexOf('\n\n');
  const [oldLine, ...lines] = text.slice(0, Math.max(divide, 0)).split('\n', CONSISTENCY_LINES_MAX + 2);
  const oldSize = oldLine?.startsWith(OLD) === true ? parseDecimal(oldLine.slice(OLD.length)) : undefined;
  if (oldSize === undefined) throw new TlogMalformed('old_size', 'no old size, or not a decimal up to 2^53 - 1');
  if (lines.length > CONSISTENCY_LINES_MAX) {
    throw new TlogMalformed('consistency_proof', `over ${CONSISTENCY_LINES_MAX} lines`);
  }
  const consistency = parseHashes(lines, 'consistency_proof');
  return { oldSize, consistency, checkpoint: parseSignedCheckpoint(text.slice(divide + 2)) };
}

/** The body of the answer that tells which size the witness knows. */
export const formatKnownSize = (size: number): string => `${size}\n`;

/** The size in such an answer. Throws {@link TlogMalformed} (`tree_size`) for anything else. */
export function parseKnownSize(body: Uint8Array | string): number {
  const text = textOf(body, KNOWN_SIZE_BYTES_MAX);
  const size = text.endsWith('\n') ? parseDecimal(text.slice(0, -1)) : undefined;
  if (size === undefined) throw new TlogMalformed('tree_size', 'not a decimal up to 2^53 - 1 and a newline');
  return size;
}
