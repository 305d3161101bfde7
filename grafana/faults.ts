/** Faults the verification makes, by name; what each does to the node stands beside its driver. Imports nothing. */
export const FAULT_NAMES = [
  'gateway_killed',
  'omnigate_killed',
  'storage_killed',
  'storage_paused',
  'mailbox_paused',
  'restart_loop',
  'redis_stopped',
  'redis_paused',
  'redis_slow',
  'bus_overflow',
  'slow_consumers',
  'hint_reader_slow',
  'poison_work',
  'disk_full',
  'disk_failing',
  'event_loop_stalled',
  'object_corrupted',
  'mailbox_without_receivers',
  'mailbox_poison',
  'inflight_flood',
  'descriptors_exhausted',
  'tls_cold_start',
  'amnesia_memory',
  'busy_burst',
] as const;

export type FaultName = (typeof FAULT_NAMES)[number];
