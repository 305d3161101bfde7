import type { RegistryApproval, RegistryPayload, RegistryQuorum } from '@macronode/contracts';
import { isPostQuantum, signerIn, type SignerSet } from './signer-set.ts';

type Count = Pick<RegistryQuorum, 'm' | 'n' | 'k_pq' | 'approved' | 'approved_pq'>;

const reached = ({ m, k_pq, approved, approved_pq }: Count): boolean => approved >= m && approved_pq >= k_pq;

/** Counts each member of the set once, whoever signed how often. */
function count(set: Omit<SignerSet, 'version'>, approvals: readonly RegistryApproval[]): Count {
  const members = new Set(
    approvals.flatMap(({ signer_id, algo }) => {
      const signer = signerIn(set, signer_id);
      return signer?.algo === algo ? [signer] : [];
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
 * How far approvals go for a payload. They are taken as verified. A rotation needs the quorum of the set in force and
 * that of the set it brings (TUF, 5.3.4); a signer of both counts for both.
 */
export function quorumOf(
  set: SignerSet,
  incoming: SignerSet | undefined,
  approvals: readonly RegistryApproval[],
): RegistryQuorum {
  const current = count(set, approvals);
  if (incoming === undefined) return { ...current, met: reached(current) };
  const next = count(incoming, approvals);
  return { ...current, incoming: next, met: reached(current) && reached(next) };
}
