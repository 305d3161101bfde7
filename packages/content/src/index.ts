export { CANONICAL_MAX_DEPTH, CanonicalJsonError, canonicalJson } from './canonical-json.ts';
export type { CanonicalJsonReason } from './canonical-json.ts';
export { CHUNK_BYTES, chunkCount, chunkSpan, chunksOfRange } from './chunks.ts';
export type { ChunkRange, Span } from './chunks.ts';
export {
  ContentHasher,
  DIGEST_BYTES,
  contentIdOf,
  digestBytes,
  digestOf,
  hashBytes,
  isContentId,
  keyedHash,
} from './content-id.ts';
export type { ContentIdString } from './content-id.ts';
export { EventFields } from './event-fields.ts';
export type { SentEvent } from './event-fields.ts';
export { ManifestError, buildManifest, chunkId, parseManifest } from './manifest.ts';
export type { BuiltManifest, Manifest } from './manifest.ts';
export { STRICT_JSON_MAX_DEPTH, StrictJsonError, parseStrictJson } from './strict-json.ts';
export type { StrictJsonLimits, StrictJsonReason } from './strict-json.ts';
export { LineTooLong, textLines } from './text-lines.ts';
