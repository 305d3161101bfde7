import { LIMITS } from '@macronode/contracts';
import { bounded, counter, gauge, type HandlesOf, histogram } from '@macronode/metrics';

const ALGORITHMS = ['ed25519', 'ml-dsa-44'] as const;

/**
 * Steps of a commit, in their order: `commit_latency_seconds` is their sum and, before them, judging the signature of
 * the request.
 */
export const COMMIT_STAGES = ['wait', 'verify', 'append', 'lock', 'sign', 'publish'] as const;
export type CommitStage = (typeof COMMIT_STAGES)[number];

/** Routes that share a bound of requests in flight. */
export const ROUTE_CLASSES = ['head', 'entry', 'log', 'proof', 'state', 'write', 'witness'] as const;
export type RouteClass = (typeof ROUTE_CLASSES)[number];

/** What comes of a checkpoint that is sent to a witness. */
export const COSIGN_RESULTS = ['cosigned', 'conflict', 'refused', 'failed'] as const;
export type CosignResult = (typeof COSIGN_RESULTS)[number];

export const registryMetrics = {
  commits: counter({
    name: 'registry_commits_total',
    help: 'Requests to commit, by what became of them.',
    labels: { result: ['committed', 'repeated', 'refused', 'failed'] },
    zeroFill: true,
  }),
  updates: counter({
    name: 'registry_updates_total',
    help: 'Versions committed, by what they hold.',
    labels: { kind: ['set', 'signers', 'supersede', 'seal', 'policy', 'root_keys'] },
    zeroFill: true,
  }),
  commitLatency: histogram({
    name: 'commit_latency_seconds',
    unit: 'seconds',
    help: 'Time from a request to commit to its answer, of those that committed.',
    buckets: [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.2, 2.5, 5],
    bucketsReason: '0.75 and 1.2 are the objectives; a commit on a quiet disk takes ten milliseconds.',
  }),
  commitStage: histogram({
    name: 'commit_stage_seconds',
    unit: 'seconds',
    help: 'Time of the steps of a commit: waiting for the one before, verifying, the transaction, the lock, signing, publishing.',
    labels: { stage: COMMIT_STAGES },
    buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.75, 1.2],
    bucketsReason: 'A signature takes a tenth of a millisecond, an fsync four; 0.75 and 1.2 bound the whole.',
    zeroFill: true,
  }),
  approvalsPerCommit: histogram({
    name: 'registry_approvals_per_commit',
    unit: 'count',
    help: 'Approvals of a committed version.',
    buckets: [1, 2, 3, 4, 5, 6, 7, 9, 12, 16],
    bucketsReason: 'Whole signers, up to as many as a set may have.',
  }),
  approvalVerify: histogram({
    name: 'approval_verify_seconds',
    unit: 'seconds',
    help: 'Time to verify one signature of an approval.',
    labels: { algo: ALGORITHMS },
    buckets: [0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.007, 0.01, 0.05],
    bucketsReason: '0.0005 is the goal and 0.007 the objective of one approval; 0.002 that of ML-DSA at p99.',
    zeroFill: true,
  }),
  approvalVerified: counter({
    name: 'approval_verify_total',
    help: 'Signatures of approvals verified, by algorithm and outcome.',
    labels: { algo: ALGORITHMS, result: ['ok', 'bad'] },
    zeroFill: true,
  }),
  casFailed: counter({
    name: 'commit_cas_fail_total',
    help: 'Commits refused because the head was no longer the one their payload continues.',
  }),
  pending: gauge({ name: 'registry_pending_proposals', help: 'Proposals that are open.' }),
  headVersion: gauge({ name: 'registry_versions', help: 'Versions in the log.' }),
  descriptors: gauge({ name: 'registry_descriptors', help: 'Descriptors in all versions of the log.' }),
  signers: gauge({
    name: 'registry_signers',
    help: 'Signers in force, by algorithm.',
    labels: { algo: ALGORITHMS },
    zeroFill: true,
  }),
  minority: gauge({
    name: 'registry_quorum_minority_state',
    help: '1 when half of the signers or fewer can commit: two groups could then approve different things.',
  }),
  checkpointAge: gauge({
    name: 'registry_checkpoint_age_seconds',
    unit: 'seconds',
    help: 'Time since the published checkpoint was signed.',
  }),
  storageBytes: gauge({
    name: 'registry_storage_bytes',
    unit: 'bytes',
    help: 'Bytes of the database and of its log on disk.',
  }),
  writeAmplification: gauge({
    name: 'registry_write_amplification',
    help: 'Bytes written by this process for each byte of leaf and payload committed since it started.',
  }),
  auditFailed: counter({
    name: 'registry_audit_fail_total',
    help: 'Entries, audit records or proposed payloads that did not verify when they were read again, and checkpoints of another log. Never zero is an incident.',
    labels: { what: ['entry', 'audit', 'checkpoint', 'proposal'] },
    zeroFill: true,
  }),
  auditVerify: gauge({
    name: 'audit_chain_verify_seconds',
    unit: 'seconds',
    help: 'How long the last verification of the whole log took.',
  }),
  auditAppended: counter({ name: 'registry_audit_records_total', help: 'Records appended to the audit chain.' }),
  auditDropped: counter({
    name: 'audit_drop_total',
    help: 'Refusals that were not recorded because there were too many of them, and records the store did not take.',
    labels: { reason: ['audit_backpressure', 'io_backpressure'] },
    zeroFill: true,
  }),
  recoveries: counter({
    name: 'registry_recoveries_total',
    help: 'What a start had to put right: a lock that was behind, and with it a checkpoint that was not signed yet.',
    labels: { kind: ['lock'] },
    zeroFill: true,
  }),
  compactions: counter({
    name: 'registry_compactions_total',
    help: 'Steps of compaction: settled proposals, used nonces and old audit records removed.',
    labels: { result: ['ok', 'failed'] },
    zeroFill: true,
  }),
  eventsDropped: counter({
    name: 'bus_overflow_dropped_total',
    help: 'Commits that could not be announced on the bus: readers find them at the head.',
  }),
  routeInflight: gauge({
    name: 'registry_route_inflight',
    help: 'Requests of a class of routes that are being answered.',
    labels: { route: ROUTE_CLASSES },
    zeroFill: true,
  }),
  routeBound: gauge({
    name: 'registry_route_bounds',
    help: 'How many of them may be for longer than ten seconds; four times as many are refused at once.',
    labels: { route: ROUTE_CLASSES },
    zeroFill: true,
  }),
  cosignatures: counter({
    name: 'witness_cosign_total',
    help: 'Checkpoints for a witness, by what came back; one held back while attempts are spaced out counts as the last did.',
    labels: {
      // One more than may be: the last place of an open label is that of all others.
      witness: bounded(LIMITS.registry_witnesses.value + 1, 'By the name of its key; as many as may be configured.'),
      result: COSIGN_RESULTS,
    },
  }),
  replicaLag: gauge({
    name: 'registry_replica_lag_versions',
    help: 'Versions the log this replica follows has and the replica has not.',
  }),
};

export type RegistryMetrics = HandlesOf<typeof registryMetrics>;
