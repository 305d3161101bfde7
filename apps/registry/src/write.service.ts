import {
  LIMITS,
  type RegistryAction,
  type RegistryApproveRequest,
  type RegistryAuth,
  type RegistryCommitRequest,
  type RegistryCommitted,
  type RegistryOperatorRequest,
  type RegistryPayload,
  type RegistryProposal,
  type RegistryProposeEnvelope,
  RegistryProposeRequest,
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
import { parseAs } from '@macronode/service';
import type { AuditTrail } from './audit-trail.ts';
import { CheckedApprovals } from './checked-approvals.ts';
import type { Clock } from './clock.ts';
import { approvalTimes, type CommitSection } from './commit-section.ts';
import type { CommitOrigin, LogService } from './log.service.ts';
import { rotationFits } from './leaf-room.ts';
import type { SignedRequest } from './log.store.ts';
import type { RegistryMetrics } from './metrics.ts';
import type { Proposals } from './proposals.ts';
import { frozen, MENDED_RETRY_MS } from './refusals.ts';
import type { RequestJudge } from './request-judge.ts';

/** When to come again while the disk keeps writes waiting: one that was busy writes a line of commands in that time. */
const STALLED_RETRY_MS = 2_000;
/** The same of proposals: one of those that are open has to be committed, or to expire. */
const PENDING_RETRY_MS = 5_000;

export interface WriteServiceOptions {
  readonly log: LogService;
  readonly proposals: Proposals;
  readonly judge: RequestJudge;
  readonly section: CommitSection;
  readonly audit: AuditTrail;
  readonly clock: Clock;
  readonly metrics: RegistryMetrics;
  /** False once the log did not verify when it was read again: then nothing may be put on top. */
  readonly isSound: () => boolean;
}

/** The write plane: propose, approve, commit; freeze and thaw. Every refusal is recorded in the audit chain. */
export class WriteService {
  readonly #options: WriteServiceOptions;

  constructor(options: WriteServiceOptions) {
    this.#options = options;
    options.metrics.pending.collect(() => options.log.store.openProposals().length);
  }

  propose(envelope: RegistryProposeEnvelope): Promise<{ proposal: RegistryProposal; created: boolean }> {
    const { auth, payload_b3: claimed } = envelope;
    return this.#audited('propose', auth.signer_id, claimed, async (verified) => {
      const set = this.#openForWrites({ frozenToo: true });
      // The signature first: it costs a tenth of a millisecond, a long payload twenty.
      const request = this.#admit('propose', claimed, auth, set, verified);
      const { payload } = parseAs(RegistryProposeRequest, envelope);
      this.#refuseFrozen(payload.kind);
      const canonical = this.#canonical(payload);
      if (claimed !== canonical.hash) {
        throw new ServiceError('hash_mismatch', `the canonical payload hashes to ${canonical.hash}`);
      }
      if (this.#options.log.store.proposal(claimed) === undefined) this.#judgePayload(payload, set);
      return this.#store(payload, canonical, request, auth.signer_id, set);
    });
  }

  #admit(
    action: RegistryAction,
    subject: string,
    auth: RegistryAuth,
    set: SignerSet,
    verified: () => void,
  ): SignedRequest {
    const { judge, log } = this.#options;
    return judge.admit({ action, log: log.store.logName() ?? '', subject, auth }, set, verified);
  }

  async #store(
    payload: RegistryPayload,
    canonical: CanonicalPayload,
    request: SignedRequest,
    proposedBy: string,
    set: SignerSet,
  ): Promise<{ proposal: RegistryProposal; created: boolean }> {
    const { log, audit, proposals } = this.#options;
    const outcome = await log.store.propose({
      ...request,
      payloadHash: canonical.hash,
      text: canonical.text,
      version: payload.version,
      prevHash: payload.prev_hash,
      kind: payload.kind,
      expiresAt: Date.parse(payload.expires_at),
      proposedBy,
      pendingMax: LIMITS.registry_pending_proposals.value,
      pendingOfSigner: pendingOfSigner(set),
      audit: audit.fact({
        kind: 'propose',
        actor: proposedBy,
        subject: canonical.hash,
        attrs: { kind: payload.kind, version: payload.version },
      }),
    });
    if (outcome === 'replayed') throw new ServiceError('replayed');
    if (outcome === 'frozen') throw frozen();
    if (outcome === 'cas') throw new ServiceError('chain_mismatch', 'the head has moved', { reason: 'version' });
    if (outcome === 'full' || outcome === 'full_of_signer') {
      const whose = outcome === 'full' ? 'proposals' : `proposals of ${proposedBy}`;
      throw new ServiceError('saturated', `as many ${whose} are open as may be`, {
        reason: outcome === 'full' ? 'pending_proposals' : 'pending_of_signer',
        retryAfterMs: PENDING_RETRY_MS,
      });
    }
    if (outcome === 'created') audit.appended();
    return { proposal: proposals.shown(canonical.hash), created: outcome === 'created' };
  }

  /** That a payload continues the log and, when it is a rotation, that its signers may enter. */
  #judgePayload(payload: RegistryPayload, set: SignerSet): void {
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
    if (payload.kind === 'signers') admitSet(set, payload);
  }

  approve(proposalId: string, { approval, auth }: RegistryApproveRequest): Promise<RegistryProposal> {
    return this.#audited('approve', auth.signer_id, proposalId, async (verified) => {
      const set = this.#openForWrites({ frozenToo: true });
      const { log, proposals, audit } = this.#options;
      const proposal = proposals.get(proposalId);
      const request = this.#admit('approve', approvalSubject(proposalId, approval), auth, set, verified);
      this.#assertOpen(proposal.state, proposal.expiresAt);
      this.#refuseFrozen(proposal.kind);
      const incoming = proposal.kind === 'signers' ? incomingSet(proposals.payload(proposalId)) : undefined;
      this.#verify([set, incoming], proposalId, approval);
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
      if (outcome === 'frozen') throw frozen();
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
    const { metrics, log, proposals, section, judge } = this.#options;
    const started = performance.now();
    try {
      const answer = await this.#audited('commit', auth.signer_id, proposalId, async (verified) => {
        const committed = log.store.versionOf(proposalId) !== undefined;
        const { kind } = proposals.get(proposalId);
        const set = this.#openForWrites({ sealedToo: committed, frozenToo: kind === 'signers' });
        const request = this.#admit('commit', proposalId, auth, set, verified);
        const done = await section.run(proposalId, request, { actor: auth.signer_id, origin });
        if (done.created && kind === 'signers' && log.signerSet !== undefined) judge.keep(log.signerSet);
        return done;
      });
      metrics.commits.inc({ result: answer.created ? 'committed' : 'repeated' });
      if (answer.created) metrics.commitLatency.observe((performance.now() - started) / 1_000);
      return answer;
    } catch (error) {
      const refused = error instanceof ServiceError && !FAILURES.has(error.code);
      metrics.commits.inc({ result: refused ? 'refused' : 'failed' });
      throw error;
    }
  }

  freeze(frozen: boolean, { reason, auth }: RegistryOperatorRequest): Promise<void> {
    const action = frozen ? 'freeze' : 'thaw';
    return this.#audited(action, auth.signer_id, null, async (verified) => {
      const { log, audit } = this.#options;
      const set = this.#openForWrites({ frozenToo: true });
      const request = this.#admit(action, reasonSubject(reason), auth, set, verified);
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
    const { log, isSound } = this.#options;
    const { signerSet } = log;
    const state = log.state();
    if (state === 'replica' || state === 'no_signers' || signerSet === undefined) {
      const why =
        state === 'replica' ? 'this is a replica' : 'the log has no signer set: start it with REGISTRY_GENESIS';
      throw new ServiceError('maintenance', why, {
        reason: state === 'replica' ? 'replica' : 'no_signers',
        retryAfterMs: MENDED_RETRY_MS,
      });
    }
    log.refuseWhenBroken();
    if (also.frozenToo !== true) this.#refuseFrozen('');
    if (state === 'sealed' && also.sealedToo !== true) throw new ServiceError('sealed');
    if (!isSound()) {
      throw new ServiceError('unavailable', 'the log does not verify: no version is put on top of it', {
        reason: 'not_verified',
        retryAfterMs: MENDED_RETRY_MS,
      });
    }
    if (log.stalled) {
      throw new ServiceError('busy', 'the disk is slow: writes are shed, reads go on', {
        reason: 'storage_slow',
        retryAfterMs: STALLED_RETRY_MS,
      });
    }
    return signerSet;
  }

  /** A rotation passes a freeze: no signer can keep the others from ending it. */
  #refuseFrozen(kind: string): void {
    if (kind !== 'signers' && this.#options.log.store.frozen()) throw frozen();
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

  async #audited<T>(
    action: string,
    signerId: string,
    subject: string | null,
    work: (verified: () => void) => Promise<T>,
  ): Promise<T> {
    let verified = false;
    try {
      return await work(() => {
        verified = true;
      });
    } catch (error) {
      // A replica refuses every write, whoever asks: its chain is not written for that.
      if (error instanceof ServiceError && this.#options.log.state() !== 'replica') {
        this.#options.audit.refused({ action, signerId, verified, subject, code: error.code });
      }
      throw error;
    }
  }
}

/** What a commit fails with when it was not refused. */
const FAILURES: ReadonlySet<string> = new Set(['integrity', 'internal', 'no_space', 'outcome_unknown', 'unavailable']);

/** Open proposals one of these signers may have. */
const pendingOfSigner = ({ signers }: SignerSet): number =>
  Math.max(
    LIMITS.registry_proposals_of_signer.value,
    Math.floor(LIMITS.registry_pending_proposals.value / signers.length),
  );

/** Admits the signers a rotation brings, in the words of the error table. */
function admitSet(current: SignerSet, payload: RegistryPayload & { readonly kind: 'signers' }): void {
  try {
    admitSignerSet(payload.log, payload);
  } catch (cause) {
    if (!(cause instanceof SignerSetRefused)) throw cause;
    const code = cause.reason === 'quorum' || cause.reason === 'duplicate_id' ? 'schema' : 'bad_key';
    throw new ServiceError(code, cause.message, { reason: cause.reason, cause });
  }
  for (const { signer_id, public_key } of payload.signers) {
    // One approval a signer and payload: it could not be told for which of the sets it counts.
    if ((signerIn(current, signer_id)?.public_key ?? public_key) === public_key) continue;
    throw new ServiceError('schema', `${signer_id} has another key in force: give the new key an id of its own`, {
      reason: 'rekeyed',
    });
  }
  if (
    !rotationFits(current, { version: payload.version, m: payload.m, k_pq: payload.k_pq, signers: payload.signers })
  ) {
    throw new ServiceError('schema', 'no entry has room for both quorums: rotate in two steps', { reason: 'quorum' });
  }
}
