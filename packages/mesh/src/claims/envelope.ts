import { signedBytes, verifyBytes } from '@macronode/keys';
import type { SigningKey } from '@macronode/keys';
import type { MeshLimits } from '../mesh-limits.ts';
import { CLAIM_KINDS, CLAIM_REASONS } from './claim.ts';
import type { Claim, ClaimKind, Envelope } from './claim.ts';
import { subjectBytes, subjectText } from './subject.ts';
import { ClaimMalformed } from './malformed.ts';

/** What a signature is made over begins with this: it verifies for no other purpose. */
const DOMAIN = 'ron:mesh:claim:v1\n';

/**
 * Layout, numbers big-endian: magic "MC", version, kind, flags, reason, source (32), seq (8), made at (8, ms), ttl (4, s),
 * score (2, thousandths), length of the subject (1), subject, signature (64) over all before it.
 * An envelope has one encoding: what {@link decodeEnvelope} takes is what {@link signEnvelope} writes.
 */
const MAGIC = 0x4d43;
const VERSION = 1;
const KIND_AT = 3;
const FLAGS_AT = 4;
const REASON_AT = 5;
const SOURCE_AT = 6;
const SOURCE_BYTES = 32;
const SEQ_AT = 38;
const MADE_AT = 46;
const TTL_AT = 54;
const SCORE_AT = 58;
const LENGTH_AT = 60;
const SUBJECT_AT = 61;
const SIGNATURE_BYTES = 64;

const REVOKED = 1;
const SCORE_MAX = 1_000;
/** A safe integer has 53 bits: 21 in the upper half. */
const SAFE_HIGH = 2 ** 21;

/** Steps of `seq` in a ms. A source signs far fewer, so that a restart a ms later is past all it said before. */
export const SEQ_PER_MS = 1_024;

/**
 * The highest `seq` a node takes. It may run ahead of the clock where that of its source stepped back, but not for ever: the
 * table keeps an envelope until older ones of its register are out of reach, which the `seq` decides.
 */
export const seqMax = (nowMs: number, { clockBehindMs }: Pick<MeshLimits, 'clockBehindMs'>): number =>
  (nowMs + clockBehindMs) * SEQ_PER_MS;

/** The limits an envelope is held against wherever it is read or written. */
export type EnvelopeLimits = Pick<MeshLimits, 'ttlMaxSeconds' | 'subjectBytes'>;

/** When and under which number a claim is made. */
export interface Moment {
  readonly seq: number;
  readonly madeAtMs: number;
  readonly revoked: boolean;
}

/** Signs a claim. Throws {@link ClaimMalformed} for one that no node would take. */
export function signEnvelope(key: SigningKey, claim: Claim, moment: Moment, limits: EnvelopeLimits): Envelope {
  // Claims come from other threads and from operators: their types are a promise only.
  if (!CLAIM_KINDS.includes(claim.kind)) throw new ClaimMalformed('kind');
  if (!CLAIM_REASONS.includes(claim.reason)) throw new ClaimMalformed('reason');
  const subject = subjectBytes(claim.kind, claim.subject, limits.subjectBytes);
  const bytes = Buffer.alloc(SUBJECT_AT + subject.length + SIGNATURE_BYTES);
  bytes.writeUInt16BE(MAGIC, 0);
  bytes[2] = VERSION;
  bytes[KIND_AT] = kindByte(claim.kind);
  bytes[FLAGS_AT] = moment.revoked ? REVOKED : 0;
  bytes[REASON_AT] = CLAIM_REASONS.indexOf(claim.reason);
  bytes.write(key.publicKeyHex, SOURCE_AT, SOURCE_BYTES, 'hex');
  writeSafe(bytes, SEQ_AT, moment.seq, 'seq');
  writeSafe(bytes, MADE_AT, moment.madeAtMs, 'made_at');
  if (!isWhole(claim.ttlS, limits.ttlMaxSeconds)) throw new ClaimMalformed('ttl');
  bytes.writeUInt32BE(claim.ttlS, TTL_AT);
  if (!(claim.score >= 0 && claim.score <= 1)) throw new ClaimMalformed('score');
  bytes.writeUInt16BE(Math.round(claim.score * SCORE_MAX), SCORE_AT);
  bytes[LENGTH_AT] = subject.length;
  bytes.set(subject, SUBJECT_AT);
  const body = bytes.subarray(0, -SIGNATURE_BYTES);
  bytes.write(key.sign(DOMAIN, body), body.length, SIGNATURE_BYTES, 'base64');
  return decodeEnvelope(bytes, limits);
}

/**
 * Reads an envelope and keeps a copy of its bytes. The signature is not looked at: {@link isSigned} does.
 * Throws {@link ClaimMalformed}, and nothing else, for bytes that are not exactly one envelope.
 */
export function decodeEnvelope(bytes: Uint8Array, limits: EnvelopeLimits): Envelope {
  if (bytes.length < SUBJECT_AT + SIGNATURE_BYTES) throw new ClaimMalformed('length');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint16(0) !== MAGIC) throw new ClaimMalformed('magic');
  if (view.getUint8(2) !== VERSION) throw new ClaimMalformed('version');
  const length = view.getUint8(LENGTH_AT);
  if (bytes.length !== SUBJECT_AT + length + SIGNATURE_BYTES) throw new ClaimMalformed('length');
  const kind = CLAIM_KINDS[view.getUint8(KIND_AT) - 1];
  if (kind === undefined) throw new ClaimMalformed('kind');
  const flags = view.getUint8(FLAGS_AT);
  if (flags !== 0 && flags !== REVOKED) throw new ClaimMalformed('flags');
  const reason = CLAIM_REASONS[view.getUint8(REASON_AT)];
  if (reason === undefined) throw new ClaimMalformed('reason');
  const seq = readSafe(view, SEQ_AT, 'seq');
  const madeAtMs = readSafe(view, MADE_AT, 'made_at');
  // So that an older envelope of a register cannot be dated past the newer one: see ClaimTable on what it may forget.
  if (seq < madeAtMs * SEQ_PER_MS) throw new ClaimMalformed('seq');
  const ttlS = view.getUint32(TTL_AT);
  if (!isWhole(ttlS, limits.ttlMaxSeconds)) throw new ClaimMalformed('ttl');
  const score = view.getUint16(SCORE_AT);
  if (score > SCORE_MAX || (flags === REVOKED && score > 0)) throw new ClaimMalformed('score');
  const subject = subjectText(kind, bytes.subarray(SUBJECT_AT, SUBJECT_AT + length), limits.subjectBytes);
  // A copy: `bytes` is often a piece of a buffer of the network, which it would keep alive, and which may change.
  const kept = Buffer.from(bytes);
  const source = kept.toString('hex', SOURCE_AT, SOURCE_AT + SOURCE_BYTES);
  return {
    kind,
    subject,
    score: score / SCORE_MAX,
    reason,
    ttlS,
    source,
    seq,
    madeAtMs,
    revoked: flags !== 0,
    bytes: kept,
  };
}

/** Whether the source of an envelope signed it. False, never an exception, for a key no list may hold. */
export function isSigned({ source, bytes }: Envelope): boolean {
  const at = bytes.length - SIGNATURE_BYTES;
  return verifyBytes('ed25519', source, signedBytes(DOMAIN, bytes.subarray(0, at)), bytes.subarray(at));
}

/** The byte of a kind in an envelope. */
export const kindByte = (kind: ClaimKind): number => CLAIM_KINDS.indexOf(kind) + 1;

const isWhole = (value: number, max: number): boolean => Number.isInteger(value) && value >= 1 && value <= max;

function writeSafe(bytes: Buffer, at: number, value: number, field: 'seq' | 'made_at'): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new ClaimMalformed(field);
  bytes.writeUInt32BE(Math.floor(value / 2 ** 32), at);
  bytes.writeUInt32BE(value % 2 ** 32, at + 4);
}

function readSafe(view: DataView, at: number, field: 'seq' | 'made_at'): number {
  const high = view.getUint32(at);
  if (high >= SAFE_HIGH) throw new ClaimMalformed(field);
  return high * 2 ** 32 + view.getUint32(at + 4);
}
