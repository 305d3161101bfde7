/**
 * Names of the recorded series that boards and alerts share. Each rule file records exactly these; a board that shows what
 * an alert watches reads the series, never the query again.
 */
export const RECORDED = Object.freeze({
  /** Labels `slo`. Events per second, and the bad ones among them: what every window of an objective is averaged from. */
  events: 'slo:events:rate',
  badEvents: 'slo:bad_events:rate',
  /** Labels `slo`. Share of good events that is promised. */
  objective: 'slo:objective:ratio',
  /** Labels `slo`. Share of bad events over the shortest window of the fast page. */
  errorRatio: 'slo:error_ratio:current',
  /** Labels `slo`, `window`. Budget spent per budget given, over each window the alerts read. */
  burnRate: 'slo:burn_rate:ratio',
  /** Labels `slo`. Share of the error budget left over the whole window of the objective; negative when overspent. */
  budgetLeft: 'slo:error_budget_remaining:ratio',

  /** Labels `service`, `instance`. */
  eventLoopLag: 'instance:eventloop_lag_p99:seconds',
  cpuCores: 'instance:cpu:cores',
  gcShare: 'instance:gc:ratio',
  memoryShare: 'instance:memory_limit:ratio',
  fdShare: 'instance:fds:ratio',
  restarts: 'instance:starts:count',

  /** Labels `service`. */
  busHintLag: 'service:bus_hint_lag:ratio',
  busOverflow: 'service:bus_overflow:ratio',
  busRedelivered: 'service:bus_redelivered:ratio',
  busQueueWait: 'service:bus_queue_wait_p99:seconds',
  busReconnects: 'service:bus_reconnects:rate',
  busUnknown: 'service:bus_outcome_unknown:ratio',
  busDeadLetters: 'service:bus_dead_letters:rate',
  /** Labels `service`, `stream`. */
  busGroupLag: 'service:bus_group_lag:seconds',
  busOldestPending: 'service:bus_oldest_pending:seconds',
  busStreamFill: 'service:bus_stream_fill:ratio',

  /** Labels `service`, `instance`. */
  storeCommit: 'service:store_commit_p95:seconds',
  storeQueue: 'service:store_queue:commands',
  integrityFailures: 'service:integrity_failures:increase',
  diskFree: 'service:disk_free:bytes',

  mailboxOldestReady: 'service:mailbox_oldest_ready:seconds',
  mailboxDeadLetters: 'service:mailbox_dead_letters:rate',
  mailboxExpiredLeases: 'service:mailbox_expired_leases:ratio',
  registryCommit: 'service:registry_commit_p95:seconds',
  registryCommits: 'service:registry_commits:rate',
  registryAuditFailures: 'service:registry_audit_failures:count',
  registryWitnessFailed: 'service:registry_witness_failed:ratio',
  registryGrowth: 'service:registry_growth:bytes_per_second',
  meshPeers: 'service:mesh_peers:count',
  meshSyncFailed: 'service:mesh_sync_failed:ratio',
  gatewayInflight: 'service:gateway_inflight:ratio',
  uploadsAborted: 'service:uploads_aborted:ratio',
  downloadsAborted: 'service:downloads_aborted:ratio',
  omnigateFailed: 'service:omnigate_failed:ratio',
});
