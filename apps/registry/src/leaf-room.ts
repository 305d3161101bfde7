import {
  LIMITS,
  type RegistryApproval,
  type RegistryPayload,
  type Signer,
  type SignatureAlgorithm,
} from '@macronode/contracts';
import { ALGORITHMS } from '@macronode/keys';
import { type CanonicalLeaf, type CanonicalPayload, EntryTooLarge, makeLeaf, type SignerSet } from '@macronode/log';

/** An approval in a leaf, beside its signature and the id of its signer: names, quotes, a date. */
const APPROVAL_BYTES = 110;
/** A leaf without approvals. */
const LEAF_BYTES = 1_024;

const signatureChars = (algo: SignatureAlgorithm): number => Math.ceil(ALGORITHMS[algo].signatureBytes / 3) * 4;
const approvalBytes = ({ signer_id, algo }: Pick<Signer, 'signer_id' | 'algo'>): number =>
  APPROVAL_BYTES + signer_id.length + signatureChars(algo);

/** Whether a leaf has room for the quorums of both sets, whoever of them approves. */
export function rotationFits(set: SignerSet, incoming: SignerSet): boolean {
  const members = new Map([...set.signers, ...incoming.signers].map((signer) => [signer.public_key, signer]));
  const costs = [...members.values()].map(approvalBytes).sort((a, b) => b - a);
  const needed = costs.slice(0, set.m + incoming.m).reduce((sum, bytes) => sum + bytes, LEAF_BYTES);
  return needed <= LIMITS.registry_leaf_bytes.value;
}

/**
 * The leaf with all approvals, or, where these are too many bytes, without the longest that are not needed. Throws
 * EntryTooLarge when even those that are needed have no room.
 */
export function fittingLeaf(
  payload: RegistryPayload,
  canonical: CanonicalPayload,
  approvals: readonly RegistryApproval[],
  committedAt: Date,
  isEnough: (approvals: readonly RegistryApproval[]) => boolean,
): CanonicalLeaf {
  let kept = approvals;
  for (;;) {
    try {
      return makeLeaf(payload, canonical, kept, committedAt);
    } catch (error) {
      if (!(error instanceof EntryTooLarge)) throw error;
      const without = (spare: RegistryApproval) => kept.filter((one) => one !== spare);
      const longestFirst = kept.toSorted((a, b) => approvalBytes(b) - approvalBytes(a));
      const spare = longestFirst.find((one) => isEnough(without(one)));
      if (spare === undefined) throw error;
      kept = without(spare);
    }
  }
}
