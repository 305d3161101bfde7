import type { RegistryApproval, RegistryPayload, RegistryQuorum, Signer } from '@macronode/contracts';
import { isPostQuantum, signerIn, type SignerSet } from './signer-set.ts';

type Count = Pick<RegistryQuorum, 'm' | 'n' | 'k_pq' | 'approved' | 'approved_pq'>;

const reached = ({ m, k_pq, approved, approved_pq }: Count): boolean => approved >= m && approved_pq >= k_pq;

/** Whether an approval is one of this member's key. */
export type Verifies = (signer: Signer, approval: RegistryApproval) => boolean;

/** Counts each member of the set once, whoever signed how often. */
function count(set: Omit<SignerSet, 'version'>, approvals: readonly RegistryApproval[], verifies: Verifies): Count {
  const members = new Set(
    approvals.flatMap((approval) => {
      const signer = signerIn(set, approval.signer_id);
      return signer?.algo === approval.algo && verifies(signer, approval) ? [signer] : [];
    }),
  );
  const pq = [...members].filter(isPostQuantum).length;
  return { m: set.m, n: set.signers.length, k_pq: set.k_pq, approved: members.size, approved_pq: pq };
}

/** The set a payload brings, when it is a rotation. */
export const incomingSet = (payload: RegistryPayload): SignerSet | undefined =>
  payload.kind === 'signers'
    ? { version: payload.version, m: payload.m, k_pq: payload.k_pq, signers: payload.signers }
    : undefined;

/**
 * How far approvals go for a payload. A rotation needs the quorum of the set in force and that of the set it brings (TUF,
 * 5.3.4), and an approval counts for a set only under the key its signer has there: a signer who keeps both id and key
 * counts for both, one who takes another key for one of them.
 */
export function quorumOf(
  set: SignerSet,
  incoming: SignerSet | undefined,
  approvals: readonly RegistryApproval[],
  verifies: Verifies,
): RegistryQuorum {
  const current = count(set, approvals, verifies);
  if (incoming === undefined) return { ...current, met: reached(current) };
  const next = count(incoming, approvals, verifies);
  return { ...current, incoming: next, met: reached(current) && reached(next) };
}
