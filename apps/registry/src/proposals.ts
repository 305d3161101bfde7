import {
  type RegistryApproval,
  RegistryPayload,
  type RegistryProposal,
  type RegistryProposalShown,
  type RegistryQuorum,
  ServiceError,
} from '@macronode/contracts';
import { incomingSet, quorumOf, type SignerSet } from '@macronode/log';
import { CheckedApprovals } from './checked-approvals.ts';
import type { LogService } from './log.service.ts';
import type { StoredProposal } from './log.store.ts';

/** Proposals as they are shown: with what they still need. */
export class Proposals {
  readonly #log: LogService;

  constructor(log: LogService) {
    this.#log = log;
  }

  /** What is open now, the oldest first. */
  open(nowMs: number): readonly RegistryProposal[] {
    return this.#log.store
      .openProposals()
      .filter(({ expiresAt }) => expiresAt > nowMs)
      .map((proposal) => this.#show(proposal));
  }

  /** Throws not_found. */
  get(proposalId: string): StoredProposal {
    const proposal = this.#log.store.proposal(proposalId);
    if (proposal === undefined) throw new ServiceError('not_found', 'there is no such proposal');
    return proposal;
  }

  /** The payload as it was proposed. A long one is not kept when the log went on without it: `chain_mismatch`. */
  payload(proposalId: string): RegistryPayload {
    const text = this.#log.store.payload(proposalId);
    if (text === undefined) throw new ServiceError('chain_mismatch', 'the log went on without this proposal');
    return RegistryPayload.parse(JSON.parse(text));
  }

  shown(proposalId: string): RegistryProposal {
    return this.#show(this.get(proposalId));
  }

  withPayload(proposalId: string): RegistryProposalShown {
    const shown = this.shown(proposalId);
    return { ...shown, payload: this.payload(proposalId) };
  }

  #show(proposal: StoredProposal): RegistryProposal {
    const { store } = this.#log;
    const { payloadHash, version, kind, state, expiresAt, proposedBy } = proposal;
    const approvals = store.approvals(payloadHash);
    // A settled proposal is judged by the set it was made for.
    const set = state === 'open' ? this.#log.signerSet : store.signerSet(Math.max(0, version - 1));
    if (set === undefined) throw new ServiceError('not_found', 'the log has no signer set');
    return {
      proposal_id: payloadHash,
      version,
      kind,
      state,
      expires_at: new Date(expiresAt).toISOString(),
      proposed_by: proposedBy,
      approvals: approvals.map(({ sig: _sig, ...rest }) => rest),
      quorum: this.#quorum(set, kind, payloadHash, approvals),
    };
  }

  /** Approvals were verified when they came; only for a rotation it has to be known under which key. */
  #quorum(set: SignerSet, kind: string, payloadHash: string, approvals: readonly RegistryApproval[]): RegistryQuorum {
    // The payload of another kind is not even read: it may be long, and a list shows many.
    if (kind !== 'signers') return quorumOf(set, undefined, approvals, () => true);
    const incoming = incomingSet(this.payload(payloadHash));
    return quorumOf(set, incoming, approvals, new CheckedApprovals(payloadHash).verifies);
  }
}
