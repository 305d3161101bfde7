import {
  type RegistryApproval,
  type RegistryCommitted,
  RegistryLeaf,
  type RegistryPayload,
  ServiceError,
} from '@macronode/contracts';
import { type CanonicalLeaf, EntryTooLarge, incomingSet, quorumOf, type SignerSet } from '@macronode/log';
import type { AuditTrail } from './audit-trail.ts';
import { CheckedApprovals, type Verified } from './checked-approvals.ts';
import type { Clock } from './clock.ts';
import type { CommitOrigin, LogService } from './log.service.ts';
import { signersText } from './kept-genesis.ts';
import { fittingLeaf } from './leaf-room.ts';
import type { SignedRequest, StoredProposal } from './log.store.ts';
import type { CommitStage, RegistryMetrics } from './metrics.ts';
import type { Proposals } from './proposals.ts';
import { frozen } from './refusals.ts';
import { Serial } from './serial.ts';
import { WriteAmplification } from './write-amplification.ts';

export interface CommitSectionOptions {
  readonly log: LogService;
  readonly proposals: Proposals;
  readonly audit: AuditTrail;
  readonly clock: Clock;
  readonly metrics: RegistryMetrics;
}

/** Who asks for a commit. */
export interface CommitAsked {
  /** The signer whose request it is. */
  readonly actor: string;
  readonly origin: CommitOrigin | undefined;
}

interface Commit {
  readonly committed: RegistryCommitted;
  readonly created: boolean;
}

/**
 * The one place where the head moves, one commit at a time and without a word to the network. Whatever was true when a
 * proposal was approved is looked at again here: expiry, keys in force, every signature, the quorum, the head.
 */
export class CommitSection {
  readonly #options: CommitSectionOptions;
  readonly #serial = new Serial();
  readonly #amplification = new WriteAmplification();

  constructor(options: CommitSectionOptions) {
    this.#options = options;
    options.metrics.writeAmplification.collect(() => this.#amplification.ratio());
  }

  run(proposalId: string, request: SignedRequest, asked: CommitAsked): Promise<Commit> {
    const { clock, metrics, proposals } = this.#options;
    const stages = new Stages(metrics);
    return this.#serial.run(async () => {
      stages.end('wait');
      const repeated = this.#committedBefore(proposalId);
      if (repeated !== undefined) return { committed: repeated, created: false };
      // One reading of the clock: what has not expired by then is not dated later.
      const now = clock.wallMs();
      const { payload, leaf, incoming } = this.#judge(proposals.get(proposalId), now);
      stages.end('verify');
      const committed = await this.#append(payload, leaf, incoming, request, asked, stages);
      stages.end('publish');
      this.#count(payload, leaf);
      return { committed, created: true };
    });
  }

  /** Throws chain_mismatch unless the payload continues the log as it stands. */
  assertContinues(payload: RegistryPayload): void {
    const { head, signerSet, store } = this.#options.log;
    const refuse = (reason: string, message: string): never => {
      throw new ServiceError('chain_mismatch', message, { reason, details: { head } });
    };
    if (payload.log !== store.logName()) refuse('log', 'the payload is of another log');
    if (payload.version !== head.version + 1) refuse('version', `the next version is ${head.version + 1}`);
    if (payload.prev_hash !== head.entry_b3) refuse('prev_hash', 'prev_hash is not the hash of the head');
    if (payload.signer_set_version !== signerSet?.version) {
      refuse('signer_set_version', `the signers in force are of version ${signerSet?.version ?? 0}`);
    }
  }

  #committedBefore(proposalId: string): RegistryCommitted | undefined {
    const { store } = this.#options.log;
    const version = store.versionOf(proposalId);
    const entry = version === undefined ? undefined : store.entry(version);
    if (entry === undefined) return undefined;
    const { payload_b3, committed_at } = RegistryLeaf.parse(JSON.parse(entry.leaf));
    return { version: entry.version, payload_b3, entry_b3: entry.entryHash, committed_at };
  }

  #judge(proposal: StoredProposal, now: number): Judged {
    const { log, metrics, proposals } = this.#options;
    if (proposal.state === 'expired' || proposal.expiresAt <= now) {
      throw new ServiceError('expired', 'the proposal has expired');
    }
    const set = log.signerSet;
    if (set === undefined) throw new ServiceError('maintenance', 'the log has no signer set', { reason: 'no_signers' });
    const { payload, canonical } = proposals.proposed(proposal.payloadHash);
    const incoming = incomingSet(payload);
    const checked = new CheckedApprovals(proposal.payloadHash, approvalTimes(metrics));
    const sets = [set, ...(incoming === undefined ? [] : [incoming])];
    const approvals = log.store.approvals(proposal.payloadHash);
    const valid = approvals.filter((approval) => checked.byAny(sets, approval));
    const quorumWith = (some: readonly RegistryApproval[]) => quorumOf(set, incoming, some, checked.verifies);
    const quorum = quorumWith(valid);
    if (!quorum.met && valid.length < approvals.length) {
      const revoked = approvals.filter((approval) => !valid.includes(approval)).map(({ signer_id }) => signer_id);
      throw new ServiceError('revoked_key', `${revoked.join(', ')} approved with a key that is in force no more`);
    }
    try {
      this.assertContinues(payload);
    } catch (error) {
      metrics.casFailed.inc();
      throw error;
    }
    if (!quorum.met) throw new ServiceError('quorum_failed', undefined, { details: { quorum } });
    return {
      payload,
      incoming,
      leaf: leafOf(payload, canonical, valid, new Date(now), (some) => quorumWith(some).met),
    };
  }

  async #append(
    payload: RegistryPayload,
    { leaf, text, hash }: CanonicalLeaf,
    incoming: SignerSet | undefined,
    request: SignedRequest,
    { actor, origin }: CommitAsked,
    stages: Stages,
  ): Promise<RegistryCommitted> {
    const { log, audit, metrics } = this.#options;
    const entry = {
      ...request,
      version: payload.version,
      prevHash: payload.prev_hash,
      leaf: text,
      entryHash: hash,
      payloadHash: leaf.payload_b3,
      kind: payload.kind,
      ...(incoming === undefined ? {} : { signers: signersText(incoming) }),
      audit: audit.fact({
        kind: 'commit',
        actor,
        subject: leaf.payload_b3,
        attrs: { version: leaf.version, kind: leaf.kind, approvals: leaf.approvals.length },
      }),
    };
    const times = {
      append: () => stages.end('append'),
      lock: () => stages.end('lock'),
      sign: () => stages.end('sign'),
    };
    const outcome = await log.append(entry, incoming, times, origin);
    if (outcome === 'replayed') throw new ServiceError('replayed');
    if (outcome === 'frozen') throw frozen();
    if (outcome === 'cas') {
      metrics.casFailed.inc();
      throw new ServiceError('chain_mismatch', 'the head has moved');
    }
    audit.appended();
    this.#amplification.committed(text.length + leaf.payload_size);
    return {
      version: leaf.version,
      payload_b3: leaf.payload_b3,
      entry_b3: hash,
      committed_at: leaf.committed_at,
    };
  }

  #count(payload: RegistryPayload, { leaf }: CanonicalLeaf): void {
    const { metrics } = this.#options;
    metrics.updates.inc({ kind: payload.kind });
    metrics.approvalsPerCommit.observe(leaf.approvals.length);
  }
}

/** What was looked at again and found good. */
interface Judged {
  readonly payload: RegistryPayload;
  readonly leaf: CanonicalLeaf;
  readonly incoming: SignerSet | undefined;
}

/** The leaf, in the words of the error table where it has no room. */
function leafOf(...parts: Parameters<typeof fittingLeaf>): CanonicalLeaf {
  try {
    return fittingLeaf(...parts);
  } catch (cause) {
    if (cause instanceof EntryTooLarge) throw new ServiceError('too_large', cause.message, { cause });
    throw cause;
  }
}

/** Counts and times every signature that is verified. */
export const approvalTimes =
  (metrics: RegistryMetrics): Verified =>
  ({ algo }, ok, seconds) => {
    metrics.approvalVerify.observe(seconds, { algo });
    metrics.approvalVerified.inc({ algo, result: ok ? 'ok' : 'bad' });
  };

/** The time of each stage: from the end of the one before. */
class Stages {
  readonly #metrics: RegistryMetrics;
  #at = performance.now();

  constructor(metrics: RegistryMetrics) {
    this.#metrics = metrics;
  }

  end(stage: CommitStage): void {
    const now = performance.now();
    this.#metrics.commitStage.observe((now - this.#at) / 1_000, { stage });
    this.#at = now;
  }
}
