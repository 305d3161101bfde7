export { approve, verifyApproval } from './approval.ts';
export { canonicalPayload, EntryTooLarge, makeLeaf } from './leaf.ts';
export type { CanonicalLeaf, CanonicalPayload } from './leaf.ts';
export { incomingSet, quorumOf } from './quorum.ts';
export type { Verifies } from './quorum.ts';
export { approvalSubject, reasonSubject, signRequest, verifyRequest } from './request-claim.ts';
export { canonicalHash } from './signed-hash.ts';
export { admitSignerSet, signerIn, signerOf, SignerSetRefused } from './signer-set.ts';
export type { SignerSet } from './signer-set.ts';
export { formatCheckpoint } from './tlog/checkpoint.ts';
export type { Checkpoint } from './tlog/checkpoint.ts';
export { cosign, verifyCosignature } from './tlog/cosignature.ts';
export { encodeEntryBundle } from './tlog/entry-bundle.ts';
export { HashTree } from './tlog/hash-tree.ts';
export { TlogMalformed } from './tlog/malformed.ts';
export { EMPTY_ROOT, leafHash, verifyConsistency, verifyInclusion } from './tlog/merkle.ts';
export { formatVkey, noteKey, parseVkey } from './tlog/note-key.ts';
export type { NoteKey } from './tlog/note-key.ts';
export { addSignatures, formatNote, formatSignatureLines, parseSignatureLines } from './tlog/note.ts';
export type { Note, NoteSignature, NoteSigner } from './tlog/note.ts';
export { parseSignedCheckpoint, signCheckpoint, verifyCheckpoint } from './tlog/signed-checkpoint.ts';
export type { SignedCheckpoint } from './tlog/signed-checkpoint.ts';
export { parseTilePath, TILE_WIDTH, tileWidth } from './tlog/tile-path.ts';
export { formatTlogProof, parseTlogProof, verifyTlogProof } from './tlog/tlog-proof.ts';
export {
  formatAddCheckpoint,
  formatKnownSize,
  parseAddCheckpoint,
  parseKnownSize,
  TREE_SIZE_MEDIA_TYPE,
} from './tlog/witness-protocol.ts';
export type { AddCheckpointRequest } from './tlog/witness-protocol.ts';
export { LogFollower } from './follower.ts';
export type { FollowerTimer, LogSource } from './follower.ts';
