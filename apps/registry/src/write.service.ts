import {
  LIMITS,
  type RegistryApproveRequest,
  type RegistryCommitRequest,
  type RegistryCommitted,
  type RegistryOperatorRequest,
  type RegistryPayload,
  type RegistryProposal,
  type RegistryProposeRequest,
  ServiceError,
} from '@macronode/contracts';
import { CanonicalJsonError } from '@macronode/content';
import {
  admitSignerSet,
  approvalSubject,
  type CanonicalPayload,
  canonicalPayload,
  EntryTooLarge,
  incomingSet,
  reasonSubject,
  signerIn,
  type SignerSet,
  SignerSetRefused,
} from '@macronode/log';
import type { AuditTrail } from './audit-trail.ts';
import { CheckedApprovals } from './checked-approvals.ts';
import type { Clock } from './clock.ts';
import { approvalTimes, type CommitSection } from './commit-section.ts';
import type { CommitOrigin, LogService } from './log.service.ts';
import type { RegistryMetrics } from './metrics.ts';
import type { Proposals } from './proposals.ts';
import type { RequestJudge } from './request-judge.ts';

/** A write that waits for the disk longer than this stops further ones: they would only join the line. */
const STALLED_MS = 1_000;
const FROZEN_RETRY_MS = 30_000;

export interface WriteServiceOptions {
  readonly log: LogService;
  readonly proposals: Proposals;
  readonly judge: RequestJudge;
  readonly section: CommitSection;
  readonly audit: AuditTrail;
  readonly clock: Clock;
  readonly metrics: RegistryMetrics;
  /** Whether writes are taken at all: readiness. */
  readonly writeReady: () => boolean;
}

/** The write plane: propose, approve, commit; freeze and thaw. Every refusal is recorded in the audit chain. */
export class WriteService {
  readonly #options: WriteServiceOptions;

  constructor(options: WriteServiceOptions) {
    this.#options = options;
    options.metrics.pending.collect(() => options.log.store.openProposals().length);
  }

  propose({
    payload,
    payload_b3: claimed,
    auth,
  }: RegistryProposeRequest): Promise<{ proposal: RegistryProposal; created: boolean }> {
    return this.#audited('propose', auth.signer_id, claimed ?? null, async () => {
      const set = this.#openForWrites();
      const canonical = this.#canonical(payload);
      if (claimed !== undefined && claimed !== canonical.hash) {
        throw new ServiceError('hash_mismatch', `the canonical payload hashes to ${canonical.hash}`);
      }
      const request = this.#options.judge.admit(
        { action: 'propose', log: payload.log, subject: canonical.hash, auth },
        set,
      );
      const known = this.#options.log.store.proposal(canonical.hash);
      if (known === undefined) this.#judgePayload(payload);
      return this.#store(payload, canonical, request, auth.signer_id);
    });
  }

  async #store(
    payload: RegistryPayload,
    canonical: CanonicalPayload,
    request: { readonly nonce: string; readonly nonceExpiresAt: number },
    proposedBy: string,
  ): Promise<{ proposal: RegistryProposal; created: boolean }> {
    const { log, audit, proposals } = this.#options;
    const outcome = await log.store.propose({
      ...request,
      payloadHash: canonical.hash,
      text: canonical.text,
      version: payload.version,
      kind: payload.kind,
      expiresAt: Date.parse(payload.expires_at),
      proposedBy,
      pendingMax: LIMITS.registry_pending_proposals.value,
      audit: audit.fact({
        kind: 'propose',
        actor: proposedBy,
        subject: canonical.hash,
        attrs: { kind: payload.kind, version: payload.version },
      }),
    });
    if (outcome === 'replayed') throw new ServiceError('replayed');
    if (outcome === 'full') {
      throw new ServiceError('saturated', 'as many proposals are open as may be', {
        reason: 'pending_proposals',
        retryAfterMs: 5_000,
      });
    }
    if (outcome === 'created') audit.appended();
    return { proposal: proposals.shown(canonical.hash), created: outcome === 'created' };
  }

  /** That a payload continues the log and, when it is a rotation, that its signers may enter. */
  #judgePayload(payload: RegistryPayload): void {
    const { log, clock } = this.#options;
    const expiresAt = Date.parse(payload.expires_at);
    const left = expiresAt - clock.wallMs();
    if (left <= 0) throw new ServiceError('expired', 'the payload has expired');
    if (left > LIMITS.registry_proposal_max_ms.value + LIMITS.registry_clock_skew_ms.value) {
      throw new ServiceError('schema', 'a proposal expires at most 72 hours ahead', { reason: 'expires_at' });
    }
    this.#options.section.assertContinues(payload);
    if (payload.kind === 'supersede' && payload.supersede_of !== log.head.entry_b3) {
      throw new ServiceError('chain_mismatch', 'only the head can be superseded', { reason: 'supersede_of' });
    }
    if (payload.kind === 'signers') admitSet(payload.log, payload);
  }

  approve(proposalId: string, { approval, auth }: RegistryApproveRequest): Promise<RegistryProposal> {
    return this.#audited('approve', approval.signer_id, proposalId, async () => {
      const set = this.#openForWrites();
      const { log, judge, proposals, audit } = this.#options;
      const payload = proposals.payload(proposalId);
      const request = judge.admit(
        { action: 'approve', log: payload.log, subject: approvalSubject(proposalId, approval), auth },
        set,
      );
      const proposal = proposals.get(proposalId);
      this.#assertOpen(proposal.state, proposal.expiresAt);
      this.#verify([set, incomingSet(payload)], proposalId, approval);
      const outcome = await log.store.approve({
        ...request,
        payloadHash: proposalId,
        signerId: approval.signer_id,
        body: JSON.stringify(approval),
        sameSignature: `"sig":${JSON.stringify(approval.sig)}`,
        audit: audit.fact({
          kind: 'approve',
          actor: approval.signer_id,
          subject: proposalId,
          attrs: { algo: approval.algo },
        }),
      });
      if (outcome === 'replayed') throw new ServiceError('replayed');
      if (outcome === 'conflict') throw new ServiceError('signer_conflict');
      if (outcome === 'settled') this.#assertOpen(proposals.get(proposalId).state, proposal.expiresAt);
      if (outcome === 'added') audit.appended();
      return proposals.shown(proposalId);
    });
  }

  /** Under the key its signer has in force, or that a rotation brings. */
  #verify(
    sets: readonly (SignerSet | undefined)[],
    payloadHash: string,
    approval: RegistryApproveRequest['approval'],
  ): void {
    const { signer_id, algo } = approval;
    const known = sets.flatMap((set) => (set !== undefined && signerIn(set, signer_id)?.algo === algo ? [set] : []));
    if (known.length === 0) throw new ServiceError('unknown_signer', `${signer_id} does not approve for this log`);
    const checked = new CheckedApprovals(payloadHash, approvalTimes(this.#options.metrics));
    if (checked.byAny(known, approval)) return;
    throw new ServiceError('bad_signature', `the approval of ${signer_id} does not verify`);
  }

  async commit(
    proposalId: string,
    { auth }: RegistryCommitRequest,
    origin?: CommitOrigin,
  ): Promise<{ committed: RegistryCommitted; created: boolean }> {
    const { metrics } = this.#options;
    const started = performance.now();
    try {
      const answer = await this.#audited('commit', auth.signer_id, proposalId, () =>
        this.#commit(proposalId, auth, origin),
      );
      metrics.commits.inc({ result: answer.created ? 'committed' : 'repeated' });
      if (answer.created) metrics.commitLatency.observe((performance.now() - started) / 1_000);
      return answer;
    } catch (error) {
      const refused = error instanceof ServiceError && error.status < 500;
      metrics.commits.inc({ result: refused ? 'refused' : 'failed' });
      throw error;
    }
  }

  #commit(
    proposalId: string,
    auth: RegistryCommitRequest['auth'],
    origin: CommitOrigin | undefined,
  ): Promise<{ committed: RegistryCommitted; created: boolean }> {
    const { log, judge, proposals, section } = this.#options;
    const set = this.#openForWrites({ sealedToo: log.store.versionOf(proposalId) !== undefined });
    const payload = proposals.payload(proposalId);
    const request = judge.admit({ action: 'commit', log: payload.log, subject: proposalId, auth }, set);
    return section.run(proposalId, payload, request, { actor: auth.signer_id, origin });
  }

  freeze(frozen: boolean, { reason, auth }: RegistryOperatorRequest): Promise<void> {
    const action = frozen ? 'freeze' : 'thaw';
    return this.#audited(action, auth.signer_id, null, async () => {
      const { log, judge, audit } = this.#options;
      const set = this.#openForWrites({ frozenToo: true });
      const name = log.store.logName() ?? '';
      const request = judge.admit({ action, log: name, subject: reasonSubject(reason), auth }, set);
      const outcome = await log.store.freeze({
        ...request,
        frozen,
        audit: audit.fact({ kind: action, actor: auth.signer_id, subject: null, reason }),
      });
      if (outcome === 'replayed') throw new ServiceError('replayed');
      if (outcome === 'changed') audit.appended();
    });
  }

  #assertOpen(state: string, expiresAt: number): void {
    if (state === 'expired' || expiresAt <= this.#options.clock.wallMs()) {
      throw new ServiceError('expired', 'the proposal has expired');
    }
    if (state === 'stale') throw new ServiceError('chain_mismatch', 'the log went on without this proposal');
    if (state === 'committed')
      throw new ServiceError('chain_mismatch', 'the proposal is committed', { reason: 'committed' });
  }

  /** The set in force, or why nothing is taken now. Reads are never asked. */
  #openForWrites(also: { readonly frozenToo?: boolean; readonly sealedToo?: boolean } = {}): SignerSet {
    const { log, writeReady } = this.#options;
    const { signerSet } = log;
    const state = log.state();
    if (state === 'replica' || state === 'no_signers' || signerSet === undefined) {
      const why =
        state === 'replica' ? 'this is a replica' : 'the log has no signer set: start it with REGISTRY_GENESIS';
      throw new ServiceError('maintenance', why, {
        reason: state === 'replica' ? 'replica' : 'no_signers',
        retryAfterMs: FROZEN_RETRY_MS,
      });
    }
    log.refuseWhenBroken();
    if (state === 'frozen' && also.frozenToo !== true) {
      throw new ServiceError('maintenance', 'the log is frozen', { reason: 'frozen', retryAfterMs: FROZEN_RETRY_MS });
    }
    if (state === 'sealed' && also.sealedToo !== true) throw new ServiceError('sealed');
    if (!writeReady())
      throw new ServiceError('unavailable', 'the log takes no writes right now', {
        reason: 'not_ready',
        retryAfterMs: 1_000,
      });
    if (log.store.stalledMs() > STALLED_MS) {
      throw new ServiceError('busy', 'the disk is slow: writes are shed, reads go on', {
        reason: 'storage_slow',
        retryAfterMs: 2_000,
      });
    }
    return signerSet;
  }

  #canonical(payload: RegistryPayload): CanonicalPayload {
    try {
      return canonicalPayload(payload);
    } catch (cause) {
      if (cause instanceof EntryTooLarge) throw new ServiceError('too_large', cause.message, { cause });
      if (cause instanceof CanonicalJsonError) throw new ServiceError('schema', cause.message, { cause });
      throw cause;
    }
  }

  async #audited<T>(action: string, actor: string, subject: string | null, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof ServiceError) this.#options.audit.refused(actor, subject, error.code, action);
      throw error;
    }
  }
}

/** Admits the signers a rotation brings, in the words of the error table. */
function admitSet(log: string, set: Omit<SignerSet, 'version'>): void {
  try {
    admitSignerSet(log, set);
  } catch (cause) {
    if (!(cause instanceof SignerSetRefused)) throw cause;
    const code = cause.reason === 'quorum' || cause.reason === 'duplicate_id' ? 'schema' : 'bad_key';
    throw new ServiceError(code, cause.message, { reason: cause.reason, cause });
  }
}
