import { formatBase64, formatHashes, parseBase64, parseDecimal, parseHashes, textOf } from './line-fields.ts';
import { TlogMalformed } from './malformed.ts';
import { verifyInclusion } from './merkle.ts';
import type { NoteKey } from './note-key.ts';
import { NOTE_BYTES_MAX } from './note.ts';
import { formatSignedCheckpoint, parseSignedCheckpoint, verifyCheckpoint } from './signed-checkpoint.ts';
import type { SignedCheckpoint, VerifiedSignature } from './signed-checkpoint.ts';

/** What shows, offline, that an entry is in a log (c2sp.org/tlog-proof). Parsed is not verified. */
export interface TlogProof {
  readonly index: number;
  /** From the sibling of the leaf up to a child of the root. */
  readonly path: readonly Uint8Array[];
  readonly checkpoint: SignedCheckpoint;
  /** Opaque, and vouched for by nobody. */
  readonly extra?: Uint8Array;
}

/** Whom a verifier of proofs trusts. */
export interface TlogPolicy {
  readonly origin: string;
  /** Keys of the log: one signature is enough. */
  readonly logKeys: readonly NoteKey[];
  readonly witnessKeys: readonly NoteKey[];
  /** How many witnesses must have cosigned. A witness with two keys counts once: witnesses are told apart by name. */
  readonly quorum: number;
}

/** Why a well-formed proof proves nothing, in the order the checks are made. */
export type TlogProofFailure = 'origin' | 'log_signature' | 'quorum' | 'inclusion';

export type TlogProofVerdict =
  | { readonly ok: true; readonly cosignatures: readonly VerifiedSignature[] }
  | { readonly ok: false; readonly reason: TlogProofFailure };

const HEADER = 'c2sp.org/tlog-proof@v1';
const EXTRA = 'extra ';
const INDEX = 'index ';

/** Hashes in the longest path: a tree of 2^53 - 1 leaves, the largest here, is 53 high. */
const PROOF_PATH_MAX = 53;

/** Bytes of the largest extra data. */
const PROOF_EXTRA_BYTES_MAX = 65_536;

/** Bytes of the largest proof: a checkpoint, the path (45 a line), the extra data in base64 and the lines' names. */
export const PROOF_BYTES_MAX = NOTE_BYTES_MAX + 4_096 + PROOF_EXTRA_BYTES_MAX * 1.5;

/** A proof as text. Throws RangeError for what no proof can hold. */
export function formatTlogProof(proof: TlogProof): string {
  const { index, path, extra } = proof;
  if (!Number.isSafeInteger(index) || index < 0) throw new RangeError('an index is a whole number');
  if (path.length > PROOF_PATH_MAX) throw new RangeError(`a path has at most ${PROOF_PATH_MAX} hashes`);
  const pathLines = formatHashes(path);
  if (extra !== undefined && (extra.length === 0 || extra.length > PROOF_EXTRA_BYTES_MAX)) {
    throw new RangeError(`extra data is 1 to ${PROOF_EXTRA_BYTES_MAX} bytes, or left out`);
  }
  const extraLine = extra === undefined ? [] : [EXTRA + formatBase64(extra)];
  const lines = [HEADER, ...extraLine, INDEX + String(index), ...pathLines, '', ''];
  return lines.join('\n') + formatSignedCheckpoint(proof.checkpoint);
}

/**
 * Reads a proof. Throws {@link TlogMalformed}: `too_large`, `encoding`, `proof_header`, `proof_extra`, `proof_index`,
 * `proof_path`, and what parseSignedCheckpoint throws.
 */
export function parseTlogProof(input: Uint8Array | string): TlogProof {
  const text = textOf(input, PROOF_BYTES_MAX);
  // The lines of a proof are not empty, so the first empty one ends it.
  const divide = text.indexOf('\n\n');
  const lines = text.slice(0, Math.max(divide, 0)).split('\n', PROOF_PATH_MAX + 4);
  if (lines.shift() !== HEADER) throw new TlogMalformed('proof_header', 'not a proof of version 1');
  const extra = lines[0]?.startsWith(EXTRA) === true ? parseExtra(lines.shift()) : undefined;
  const index = parseIndex(lines.shift());
  if (lines.length > PROOF_PATH_MAX) throw new TlogMalformed('proof_path', `over ${PROOF_PATH_MAX} hashes`);
  const path = parseHashes(lines, 'proof_path');
  const checkpoint = parseSignedCheckpoint(text.slice(divide + 2));
  return { index, path, checkpoint, ...(extra === undefined ? {} : { extra }) };
}

/**
 * Whether the proof shows, to who trusts `policy`, that the entry with this leaf hash is in the log at `proof.index`.
 * Needs nothing but its arguments. `cosignatures` are those of the witnesses; how fresh they must be is the caller's.
 */
export function verifyTlogProof(proof: TlogProof, leaf: Uint8Array, policy: TlogPolicy): TlogProofVerdict {
  const { checkpoint } = proof.checkpoint;
  if (checkpoint.origin !== policy.origin) return { ok: false, reason: 'origin' };
  if (!verifyCheckpoint(proof.checkpoint, policy.logKeys).ok) return { ok: false, reason: 'log_signature' };
  const cosignatures = cosignaturesBy(policy.witnessKeys, proof.checkpoint);
  const witnesses = new Set(cosignatures?.map(({ key }) => key.name));
  // So written that a quorum that is no number is never reached.
  if (cosignatures === undefined || !(witnesses.size >= policy.quorum)) return { ok: false, reason: 'quorum' };
  const claim = { leaf, index: proof.index, size: checkpoint.size, root: checkpoint.root };
  return verifyInclusion(claim, proof.path) ? { ok: true, cosignatures } : { ok: false, reason: 'inclusion' };
}

/** Undefined when a cosignature of a known witness is forged. A bare signature of a text is no cosignature. */
function cosignaturesBy(keys: readonly NoteKey[], signed: SignedCheckpoint): VerifiedSignature[] | undefined {
  const verdict = verifyCheckpoint(signed, keys);
  if (verdict.ok) return verdict.signatures.filter(({ timestamp }) => timestamp !== undefined);
  return verdict.reason === 'unknown_signers' ? [] : undefined;
}

function parseExtra(line: string | undefined): Uint8Array {
  const extra = parseBase64(line?.slice(EXTRA.length) ?? '');
  if (extra === undefined || extra.length === 0 || extra.length > PROOF_EXTRA_BYTES_MAX) {
    throw new TlogMalformed('proof_extra', `extra data is 1 to ${PROOF_EXTRA_BYTES_MAX} bytes in base64`);
  }
  return extra;
}

function parseIndex(line: string | undefined): number {
  const index = line?.startsWith(INDEX) === true ? parseDecimal(line.slice(INDEX.length)) : undefined;
  if (index === undefined) throw new TlogMalformed('proof_index', 'no index line, or not a decimal up to 2^53 - 1');
  return index;
}
