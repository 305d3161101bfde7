import { type Bound, BOUNDS } from '../../bounds.ts';
import { METRICS, TAKES_NO_WRITES } from '../../declared.ts';
import type { Alert } from '../alert.ts';
import { rangeSeconds } from '../clock.ts';
import { gauge, rate } from '../promql.ts';
import { RECORDED } from '../recorded.ts';
import { gaugeSignals, quantileSignals, rateSignals, shareSignals } from '../signal.ts';

const { golden, registry, streams } = METRICS;
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const INSTANCE = 'service, instance';
const REGISTRY = { service: 'registry' };
const TICKET = { severity: 'ticket', labels: {}, scale: 'scrape', comparison: '>' } as const;
const FROZEN = { ...golden.rejected, labels: { reason: 'frozen' } };
/** What signers get wrong is theirs. */
const MISTAKES = [{ name: golden.rejected.name, labels: { reason: 'bad_signature' }, wave: { perSecond: 100 } }];
const REFUSED = [{ name: registry.commits.name, labels: { result: 'refused' }, wave: { perSecond: 100 } }];
const COMMITTED = { ...registry.commits, labels: { result: 'committed' } };
const panel = (title: string) => ({ board: 'macronode-registry', title });
const NONE: Bound = { value: 0, unit: 'none', why: 'A log that does not verify is no log: one is an incident.' };

/** The log: whether it can be believed, whether it is written in time, and who cannot keep up with it. */
export const registryAlerts: readonly Alert[] = [
  {
    ...TICKET,
    name: 'RegistryAuditFailure',
    severity: 'page',
    expr: () => RECORDED.registryAuditFailures,
    bound: NONE,
    forSeconds: 0,
    keepFiringSeconds: HOUR,
    format: 'number',
    summary: ({ service, instance }, value) =>
      `${service} at ${instance} read ${value} entries or audit records that do not verify.`,
    impact: 'What this log answers may not be what was signed. It is never waived: stop the writes and keep the disk.',
    panel: panel('Audit failures'),
    signals: {
      ...REGISTRY,
      keeps: ['service', 'instance'],
      breaking: [{ name: registry.auditFailed.name, labels: { what: 'entry' }, wave: { gauge: 1 } }],
      holding: [{ name: registry.auditFailed.name, labels: { what: 'entry' }, wave: { gauge: 0 } }],
      value: () => 1,
      settleSeconds: 0,
    },
    faults: ['registry_tampered'],
  },
  {
    ...TICKET,
    name: 'RegistryCheckpointStale',
    severity: 'page',
    expr: () => gauge('max', registry.checkpointAge, INSTANCE),
    bound: BOUNDS.registry_checkpoint_age,
    forSeconds: MINUTE,
    format: 'duration',
    summary: ({ instance }, value) => `The checkpoint of the registry at ${instance} was signed ${value} ago.`,
    impact: 'Auditors and replicas cannot tell a log that stands still from one that hides what is new.',
    panel: panel('Checkpoint age'),
    signals: gaugeSignals(registry.checkpointAge, BOUNDS.registry_checkpoint_age.value, REGISTRY),
    faults: [],
    unproduced: 'A checkpoint is signed in memory: it takes a timer that dies in a process that still answers scrapes.',
  },
  {
    ...TICKET,
    name: 'RegistryCommitSlow',
    severity: 'page',
    expr: () => RECORDED.registryCommit,
    bound: BOUNDS.registry_commit_p95,
    forSeconds: 5 * MINUTE,
    format: 'duration',
    summary: ({ instance }, value) => `A commit of the registry at ${instance} takes ${value} (p95).`,
    impact: 'Signers and their tools wait; what they propose meanwhile is on a head that moves.',
    panel: panel('Commit p95'),
    unknownWithoutTraffic: RECORDED.registryCommit,
    signals: quantileSignals(registry.commitLatency, 0.95, [BOUNDS.registry_commit_p95.value, 1.2], REGISTRY),
    faults: ['registry_disk_slow'],
  },
  {
    ...TICKET,
    name: 'RegistryWritesRefused',
    expr: (clock) =>
      rate(golden.rejected, INSTANCE, rangeSeconds(clock, MINUTE), `service="registry",${TAKES_NO_WRITES}`),
    bound: BOUNDS.registry_refusing,
    forSeconds: 15 * MINUTE,
    format: 'number',
    summary: ({ instance }, value) => `The registry at ${instance} refuses ${value} writes a second: it takes none.`,
    impact: 'Reads are served. Nobody can propose, approve or commit here.',
    panel: panel('Writes refused'),
    signals: rateSignals(FROZEN, BOUNDS.registry_refusing.value, { ...REGISTRY, others: MISTAKES }),
    faults: ['registry_frozen'],
  },
  {
    ...TICKET,
    name: 'RegistryProposalsPiling',
    expr: () => gauge('max', registry.pending, INSTANCE),
    bound: BOUNDS.registry_pending,
    forSeconds: 5 * MINUTE,
    format: 'number',
    summary: ({ instance }, value) => `${value} proposals are open in the registry at ${instance}.`,
    impact: 'At 64 the next proposal is refused with 429, whoever makes it.',
    panel: panel('Open proposals'),
    signals: gaugeSignals(registry.pending, BOUNDS.registry_pending.value, REGISTRY),
    faults: ['registry_storm'],
  },
  {
    ...TICKET,
    name: 'RegistryStreamsLagging',
    expr: (clock) => rate(streams.lagged, INSTANCE, rangeSeconds(clock, MINUTE)),
    bound: BOUNDS.registry_streams_lagged,
    forSeconds: 5 * MINUTE,
    format: 'number',
    summary: ({ service, instance }, value) =>
      `${value} times a second a stream of ${service} at ${instance} loses events to a slow client.`,
    impact: 'Those clients learn of commits by asking for the head; nothing is lost in the log.',
    panel: panel('Streams lagging'),
    signals: rateSignals(streams.lagged, BOUNDS.registry_streams_lagged.value, REGISTRY),
    faults: [],
    unproduced: 'It takes more commits than a queue and a socket hold; the tests of the streams make them.',
  },
  {
    ...TICKET,
    name: 'RegistryReplicaBehind',
    expr: () => gauge('max', registry.replicaLag, INSTANCE),
    bound: BOUNDS.registry_replica_lag,
    forSeconds: 2 * MINUTE,
    format: 'number',
    summary: ({ instance }, value) => `The replica of the registry at ${instance} is ${value} versions behind.`,
    impact: 'Its readers see an old head; what it serves is still verified.',
    panel: panel('Replica lag'),
    signals: gaugeSignals(registry.replicaLag, BOUNDS.registry_replica_lag.value, REGISTRY),
    faults: [],
    unproduced: 'The node of the verification has no replica; the tests of the registry cut one off.',
  },
  {
    ...TICKET,
    name: 'RegistryWitnessFailing',
    expr: () => RECORDED.registryWitnessFailed,
    bound: BOUNDS.registry_witness_failed,
    forSeconds: 10 * MINUTE,
    format: 'percentage',
    summary: ({ instance }, value) =>
      `${value} of what the registry at ${instance} asks of witnesses comes to nothing.`,
    impact: 'Checkpoints carry fewer cosignatures: a fork of this log would be noticed later.',
    panel: panel('Witnesses failing'),
    unknownWithoutTraffic: RECORDED.registryWitnessFailed,
    signals: shareSignals(
      { ...registry.cosignatures, labels: { result: 'failed' } },
      [{ ...registry.cosignatures, labels: { result: 'cosigned' } }],
      BOUNDS.registry_witness_failed,
      REGISTRY,
    ),
    faults: ['registry_witness_gone'],
  },
  {
    ...TICKET,
    name: 'RegistryGrowing',
    expr: () => RECORDED.registryGrowth,
    bound: BOUNDS.registry_growth,
    forSeconds: 15 * MINUTE,
    format: 'bytes',
    summary: ({ instance }, value) => `The storage of the registry at ${instance} grows by ${value} a second.`,
    impact: 'The disk fills, and every restore and every new replica reads all of it.',
    panel: panel('Storage growth'),
    signals: {
      ...rateSignals(registry.storageBytes, BOUNDS.registry_growth.value, REGISTRY),
      settleSeconds: 15 * MINUTE,
    },
    faults: [],
    unproduced: 'It takes a hundred megabytes of commits while nothing else happens; its unit tests have them.',
  },
  {
    ...TICKET,
    name: 'RegistryLarge',
    expr: () => gauge('max', registry.descriptors, INSTANCE),
    bound: BOUNDS.registry_descriptors,
    forSeconds: 5 * MINUTE,
    format: 'count',
    summary: ({ instance }, value) => `The log of the registry at ${instance} has ${value} descriptors.`,
    impact: 'None yet: starts verify longer, and new replicas take longer to catch up.',
    panel: panel('Descriptors kept'),
    signals: gaugeSignals(registry.descriptors, BOUNDS.registry_descriptors.value, REGISTRY),
    faults: [],
    unproduced:
      'It takes fifty thousand descriptors; `npm run bench -- registry --only crash` makes them, for a start after a crash.',
  },
  {
    ...TICKET,
    name: 'RegistryCommitsMany',
    expr: () => RECORDED.registryCommits,
    bound: BOUNDS.registry_commit_rate,
    forSeconds: 15 * MINUTE,
    format: 'number',
    summary: ({ instance }, value) => `The registry at ${instance} commits ${value} versions a second.`,
    impact: 'None yet: commits are one after another, and the next ones wait for these.',
    panel: panel('Commits per second'),
    signals: rateSignals(COMMITTED, BOUNDS.registry_commit_rate.value, { ...REGISTRY, others: REFUSED }),
    faults: [],
    unproduced: 'Signers are held to two writes a second each: it takes settings nobody should have.',
  },
  {
    ...TICKET,
    name: 'RegistryQuorumMinority',
    severity: 'info',
    comparison: '==',
    expr: () => gauge('max', registry.minority, INSTANCE),
    bound: { value: 1, unit: 'none', why: 'Half of the signers, or fewer, are enough to commit.' },
    forSeconds: MINUTE,
    format: 'number',
    summary: ({ instance }, value) => `A minority of the signers can commit to the registry at ${instance} (${value}).`,
    impact: 'Two groups of signers could approve different things; the one that commits first wins.',
    panel: panel('Quorum'),
    signals: {
      ...REGISTRY,
      keeps: ['service', 'instance'],
      breaking: [{ name: registry.minority.name, wave: { gauge: 1 } }],
      holding: [{ name: registry.minority.name, wave: { gauge: 0 } }],
      value: () => 1,
      settleSeconds: 0,
    },
    faults: [],
    unproduced: 'It is how a signer set was chosen, not a fault.',
  },
];
