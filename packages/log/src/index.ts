export { approve, verifyApproval } from './approval.ts';
export { canonicalPayload, EntryTooLarge, makeLeaf } from './leaf.ts';
export type { CanonicalLeaf, CanonicalPayload } from './leaf.ts';
export { incomingSet, quorumOf } from './quorum.ts';
export { approvalSubject, reasonSubject, signRequest, verifyRequest } from './request-claim.ts';
export type { RequestTarget } from './request-claim.ts';
export { canonicalHash, signHash, verifyHash } from './signed-hash.ts';
export { admitSignerSet, isPostQuantum, signerIn, signerOf, SignerSetRefused } from './signer-set.ts';
export type { SignerSet, SignerSetRefusedReason } from './signer-set.ts';
