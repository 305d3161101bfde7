import { canonicalJson } from './canonical-json.ts';
import { CHUNK_BYTES, chunkCount } from './chunks.ts';
import { DIGEST_BYTES, contentIdOf, hashBytes, isContentId } from './content-id.ts';
import type { ContentIdString } from './content-id.ts';
import { StrictJsonError, parseStrictJson } from './strict-json.ts';

/** The chunk list of one object. Its own id is the hash of its RFC 8785 form. */
export interface Manifest {
  readonly v: 1;
  readonly alg: 'blake3-256';
  /** Bytes of a chunk. */
  readonly chunk: typeof CHUNK_BYTES;
  /** Bytes of the object. */
  readonly size: number;
  /** Id of the object: the hash of its bytes, not of this list. */
  readonly content: ContentIdString;
  /** base64url of the chunks' raw digests, 32 bytes each, in order. */
  readonly chunks: string;
}

export interface BuiltManifest {
  readonly manifest: Manifest;
  /** The RFC 8785 form: what is stored, served and hashed. */
  readonly json: string;
  readonly id: ContentIdString;
}

/** Thrown by {@link buildManifest} and {@link parseManifest} when the parts do not fit each other. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError';
}

/**
 * Makes the manifest of an object from what was learned while its bytes went by.
 * `digests` holds the raw digests of all chunks, 32 bytes each: exactly `chunkCount(size)` of them, else
 * {@link ManifestError}. A manifest of 1 GiB is about 700 KiB long.
 */
export function buildManifest(input: {
  readonly content: ContentIdString;
  readonly size: number;
  readonly digests: Uint8Array;
}): BuiltManifest {
  const { content, size, digests } = input;
  const chunks = Buffer.from(digests.buffer, digests.byteOffset, digests.length).toString('base64url');
  const manifest = checked({ v: 1, alg: 'blake3-256', chunk: CHUNK_BYTES, size, content, chunks });
  const json = canonicalJson(manifest);
  return { manifest, json, id: hashBytes(Buffer.from(json)) };
}

/** Reads a manifest from bytes of unknown origin. Throws {@link ManifestError}; the bytes must be the canonical form. */
export function parseManifest(input: string | Uint8Array): Manifest {
  const text = typeof input === 'string' ? input : Buffer.from(input).toString('utf8');
  let value: unknown;
  try {
    value = parseStrictJson(input);
  } catch (cause) {
    if (cause instanceof StrictJsonError) throw new ManifestError(`not strict JSON: ${cause.reason}`, { cause });
    throw cause;
  }
  const manifest = checked(value);
  if (canonicalJson(value) !== text) throw new ManifestError('not in canonical form');
  return manifest;
}

/** The id of chunk `index`: what its bytes must hash to. Throws RangeError when there is no such chunk. */
export function chunkId(manifest: Manifest, index: number): ContentIdString {
  if (!Number.isSafeInteger(index) || index < 0 || index >= chunkCount(manifest.size)) {
    throw new RangeError(`chunk ${index} is not in an object of ${manifest.size} bytes`);
  }
  // 4 base64url digits spell 3 bytes, so only the digits around this digest are decoded.
  const firstByte = index * DIGEST_BYTES;
  const group = Math.floor(firstByte / 3);
  const bytes = Buffer.from(manifest.chunks.slice(group * 4, group * 4 + 48), 'base64url');
  const skip = firstByte - group * 3;
  return contentIdOf(bytes.subarray(skip, skip + DIGEST_BYTES));
}

const KEYS = 'alg,chunk,chunks,content,size,v';
const BASE64URL = /^[A-Za-z0-9_-]*$/;

function checked(value: unknown): Manifest {
  if (typeof value !== 'object' || value === null || Object.keys(value).sort().join() !== KEYS) {
    throw new ManifestError('not a manifest');
  }
  const { v, alg, chunk, size, content, chunks } = value as Record<keyof Manifest, unknown>;
  if (v !== 1 || alg !== 'blake3-256' || chunk !== CHUNK_BYTES) throw new ManifestError('unknown version or algorithm');
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw new ManifestError('bad size');
  if (typeof content !== 'string' || !isContentId(content)) throw new ManifestError('bad content id');
  if (typeof chunks !== 'string' || !BASE64URL.test(chunks)) throw new ManifestError('bad chunk list');
  const bytes = chunkCount(size) * DIGEST_BYTES;
  // The length alone would let unused bits of the last digit vary: two spellings of one list.
  if (chunks.length !== Math.ceil((bytes * 4) / 3) || trailingBitsSet(chunks, bytes)) {
    throw new ManifestError('the chunk list does not fit the size');
  }
  return { v, alg, chunk, size, content, chunks };
}

function trailingBitsSet(chunks: string, bytes: number): boolean {
  const tail = chunks.slice(Math.floor(bytes / 3) * 4);
  return Buffer.from(tail, 'base64url').toString('base64url') !== tail;
}
