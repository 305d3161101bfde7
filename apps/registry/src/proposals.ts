import {
  type RegistryApproval,
  RegistryPayload,
  type RegistryProposal,
  type RegistryProposalShown,
  type RegistryQuorum,
  ServiceError,
} from '@macronode/contracts';
import { hashBytes } from '@macronode/content';
import { type CanonicalPayload, incomingSet, quorumOf, type SignerSet } from '@macronode/log';
import { CheckedApprovals } from './checked-approvals.ts';
import type { LogService } from './log.service.ts';
import type { StoredProposal } from './log.store.ts';
import type { RegistryMetrics } from './metrics.ts';

/** A payload with the text it was proposed in, which its approvals are of. */
interface ProposedPayload {
  readonly payload: RegistryPayload;
  readonly canonical: CanonicalPayload;
}

/** Proposals as they are shown: with what they still need. */
export class Proposals {
  readonly #log: LogService;
  readonly #metrics: RegistryMetrics;

  constructor(log: LogService, metrics: RegistryMetrics) {
    this.#log = log;
    this.#metrics = metrics;
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

  payload(proposalId: string): RegistryPayload {
    return this.proposed(proposalId).payload;
  }

  /**
   * The payload as it was proposed. A long one is not kept when the log went on without it: `chain_mismatch`. It was
   * canonical when it was stored, so its text is hashed as it is: one that was damaged since is `integrity`, for what
   * its signers approved is another one.
   */
  proposed(proposalId: string): ProposedPayload {
    const canonical = this.#stored(proposalId);
    if (canonical === undefined) throw new ServiceError('chain_mismatch', 'the log went on without this proposal');
    if (canonical.hash !== proposalId) {
      this.#metrics.auditFailed.inc({ what: 'proposal' });
      throw new ServiceError('integrity', 'the stored payload no longer hashes to the id of its proposal');
    }
    return { payload: parsed(canonical), canonical };
  }

  /** What is stored as the payload of a proposal, under the hash it has now. */
  #stored(proposalId: string): CanonicalPayload | undefined {
    const text = this.#log.store.payload(proposalId);
    if (text === undefined) return undefined;
    const encoded = Buffer.from(text);
    return { text, bytes: encoded.length, hash: hashBytes(encoded) };
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
    const { verifies } = new CheckedApprovals(payloadHash);
    const stored = this.#stored(payloadHash);
    // A payload that is damaged or gone tells of no set, and no list ends for it: what is known is shown, and never met.
    if (stored?.hash !== payloadHash) return { ...quorumOf(set, undefined, approvals, verifies), met: false };
    return quorumOf(set, incomingSet(parsed(stored)), approvals, verifies);
  }
}

const parsed = ({ text }: CanonicalPayload): RegistryPayload => RegistryPayload.parse(JSON.parse(text));
