import { BOUNDS } from '../bounds.ts';
import type { FaultName } from '../faults.ts';
import { RUNBOOK } from './index.ts';

/** What must be seen in the answer of a step: a series with these labels, whose value compares so. */
export interface Diagnosis {
  readonly labels: Readonly<Record<string, string>>;
  readonly comparison: '>' | '<' | '==';
  /** In the unit of the query. */
  readonly value: number;
}

/** A step of the runbook that leads from a fault to its cause: the verification makes the fault and asks the query. */
export interface Walk {
  readonly fault: FaultName;
  /** Heading of the runbook. */
  readonly entry: string;
  /** Place of the step, from 0; it asks Prometheus. */
  readonly step: number;
  readonly shows: Diagnosis;
}

const above = (labels: Diagnosis['labels'], value = 0): Diagnosis => ({ labels, comparison: '>', value });
const is = (value: number, labels: Diagnosis['labels']): Diagnosis => ({ labels, comparison: '==', value });
const below = (labels: Diagnosis['labels'], value: number): Diagnosis => ({ labels, comparison: '<', value });

/** Faults followed by the runbook to their diagnosis. Each ends at the step that tells the cause from its neighbours. */
export const WALKS: readonly Walk[] = [
  { fault: 'redis_stopped', entry: 'RedisUnreachable', step: 0, shows: is(0, { service: 'gateway' }) },
  { fault: 'redis_stopped', entry: 'ServiceNotReady', step: 2, shows: is(0, { service: 'storage' }) },
  { fault: 'redis_paused', entry: 'RedisUnreachable', step: 1, shows: above({ service: 'gateway' }) },
  { fault: 'redis_flapping', entry: 'BusReconnecting', step: 1, shows: above({ fault: 'connection' }) },
  { fault: 'gateway_killed', entry: 'GatewayAbsent', step: 0, shows: is(0, { service: 'gateway' }) },
  { fault: 'omnigate_killed', entry: 'no_responders', step: 1, shows: above({ service: 'gateway' }) },
  { fault: 'storage_killed', entry: 'ServiceAbsent', step: 0, shows: is(0, { service: 'storage' }) },
  { fault: 'mailbox_paused', entry: 'TargetDown', step: 0, shows: is(0, { service: 'mailbox' }) },
  { fault: 'index_paused', entry: 'OmnigateFailing', step: 1, shows: above({ result: 'deadline' }) },
  { fault: 'restart_loop', entry: 'RestartLoop', step: 0, shows: above({}, BOUNDS.restarts.value) },
  { fault: 'event_loop_stalled', entry: 'EventLoopLag', step: 0, shows: above({}, BOUNDS.event_loop_lag_p99.value) },
  { fault: 'bus_overflow', entry: 'BusOverflowing', step: 0, shows: above({ gate: 'stream' }) },
  {
    fault: 'bus_overflow',
    entry: 'BusQueueWait',
    step: 0,
    shows: above({ side: 'server' }, BOUNDS.bus_queue_wait_p99.value),
  },
  { fault: 'hint_reader_slow', entry: 'BusHintLag', step: 0, shows: above({}, BOUNDS.bus_hint_lag.value) },
  { fault: 'poison_entries', entry: 'BusDeadLetters', step: 0, shows: above({ reason: 'malformed' }) },
  { fault: 'disk_full', entry: 'DiskNearlyFull', step: 2, shows: above({ reason: 'no_space' }) },
  { fault: 'disk_full', entry: 'no_space', step: 0, shows: below({ service: 'storage' }, BOUNDS.disk_free.value) },
  { fault: 'disk_failing', entry: 'StoreFailed', step: 0, shows: is(1, { service: 'storage' }) },
  {
    fault: 'disk_slow',
    entry: 'StoreCommitSlow',
    step: 2,
    shows: above({ service: 'storage' }, BOUNDS.store_commit_p95.value),
  },
  {
    fault: 'object_corrupted',
    entry: 'IntegrityFailure',
    step: 0,
    shows: above({ service: 'storage', where: 'chunk' }),
  },
  { fault: 'mailbox_without_receivers', entry: 'MailboxStalled', step: 3, shows: above({ queue: 'ready' }) },
  { fault: 'mailbox_poison', entry: 'MailboxDeadLetters', step: 0, shows: above({ reason: 'max_attempts' }) },
  { fault: 'inflight_flood', entry: 'busy', step: 0, shows: above({ service: 'gateway', reason: 'inflight_writes' }) },
  { fault: 'registry_killed', entry: 'ServiceAbsent', step: 0, shows: is(0, { service: 'registry' }) },
  {
    fault: 'registry_disk_slow',
    entry: 'RegistryCommitSlow',
    step: 1,
    shows: above({ stage: 'append' }, BOUNDS.store_commit_p95.value),
  },
  { fault: 'registry_frozen', entry: 'RegistryWritesRefused', step: 0, shows: above({ reason: 'frozen' }) },
  {
    fault: 'registry_storm',
    entry: 'RegistryProposalsPiling',
    step: 0,
    shows: above({}, BOUNDS.registry_pending.value),
  },
  { fault: 'registry_tampered', entry: 'RegistryAuditFailure', step: 0, shows: above({ service: 'registry' }) },
  { fault: 'registry_witness_gone', entry: 'RegistryWitnessFailing', step: 0, shows: above({ result: 'failed' }) },
  { fault: 'mesh_peer_killed', entry: 'MeshWithoutPeers', step: 1, shows: is(0, { service: 'gateway' }) },
  { fault: 'mesh_peer_mute', entry: 'MeshSyncFailing', step: 0, shows: above({ result: 'failed' }) },
  { fault: 'mesh_forged', entry: 'MeshClaimsForged', step: 0, shows: above({ reason: 'untrusted' }) },
  { fault: 'mesh_forged', entry: 'MeshClaimsForged', step: 0, shows: above({ reason: 'signature' }) },
  { fault: 'mesh_flood', entry: 'MeshClaimFlood', step: 0, shows: above({ reason: 'rate' }) },
  { fault: 'mesh_trust_damaged', entry: 'MeshTrustListRefused', step: 0, shows: above({}) },
  { fault: 'audit_disk_full', entry: 'AuditEventsDropped', step: 0, shows: above({ reason: 'write_failed' }) },
  {
    fault: 'descriptors_exhausted',
    entry: 'DescriptorsNearLimit',
    step: 0,
    shows: above({ service: 'gateway' }, BOUNDS.fd_share.value),
  },
];

/** The query a walk asks. */
export function queryOf({ entry, step }: Walk): string {
  const query = RUNBOOK.get(entry)?.steps[step]?.query;
  if (query === undefined) throw new Error(`step ${step} of ${entry} asks nothing`);
  return query;
}

/** Whether a series of the answer is the diagnosis. */
export function isDiagnosis(
  { labels, comparison, value }: Diagnosis,
  series: Readonly<Record<string, string>>,
  measured: number,
): boolean {
  if (Object.entries(labels).some(([name, wanted]) => series[name] !== wanted)) return false;
  if (comparison === '==') return measured === value;
  return comparison === '>' ? measured > value : measured < value;
}
