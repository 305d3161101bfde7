/** Faults the verification makes, by name; what each does to the node stands beside its driver. Imports nothing. */
export const FAULT_NAMES = [
  'mailbox_without_receivers',
  'gateway_killed',
  'omnigate_killed',
  'omnigate_paused',
  'storage_killed',
  'storage_paused',
  'index_paused',
  'mailbox_paused',
  'restart_loop',
  'redis_stopped',
  'redis_paused',
  'redis_slow',
  'redis_flapping',
  'bus_overflow',
  'hint_reader_slow',
  'handler_hangs',
  'event_loop_stalled',
  'poison_entries',
  'disk_full',
  'disk_failing',
  'disk_slow',
  'object_corrupted',
  'mailbox_poison',
  'inflight_flood',
  'descriptors_exhausted',
  'registry_killed',
  'registry_disk_slow',
  'registry_frozen',
  'registry_storm',
  'registry_tampered',
  'registry_witness_gone',
  'cold_start_burst',
  'amnesia_memory',
  'busy_burst',
] as const;

export type FaultName = (typeof FAULT_NAMES)[number];

/** What a node does in good health: no alert may follow. */
export const ACCEPTABLE: ReadonlySet<FaultName> = new Set<FaultName>([
  'cold_start_burst',
  'amnesia_memory',
  'busy_burst',
]);
