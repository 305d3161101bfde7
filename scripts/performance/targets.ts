/** A performance target of the source documents. */
export interface Target {
  /** `<document>.<what>`: what the row of docs/performance.md is found by. */
  readonly id: string;
  /** Section of the document. */
  readonly section: string;
}

const of = (document: string, section: string, ...whats: readonly string[]): Target[] =>
  whats.map((what) => ({ id: `${document}.${what}`, section }));

/** Every target the documents set, in their order. docs/performance.md has a row for each, and a test that it has. */
export const TARGETS: readonly Target[] = [
  ...of('macronode', '1 latency', 'get_p95_intra', 'get_p95_inter', 'put_p95'),
  ...of('macronode', '1 throughput', 'sustained_10k', 'backpressure_above'),
  ...of('macronode', '1 error budgets', 'errors_5xx', 'rejects_429_503', 'bus_overflow'),
  ...of('macronode', '1 resources', 'cpu_per_core', 'memory_steady', 'fd_usage'),
  ...of('macronode', '1 cold start, edge', 'cold_start', 'edge_cpu_per_1k', 'edge_arm'),
  ...of('macronode', '2 micro', 'micro_oap', 'micro_digest', 'micro_capability'),
  ...of('macronode', '2 load', 'load_http', 'gwsmoke', 'dht_rigs'),
  ...of('macronode', '2 profiling', 'flamegraph', 'tokio_console', 'hyperfine', 'causal_profile'),
  ...of('macronode', '2 chaos', 'chaos_latency', 'chaos_slow_loris', 'chaos_bombs', 'chaos_quota_storm'),
  ...of('macronode', '2 CI', 'nightly_baselines'),
  ...of('macronode', '4 limits', 'tls_handshakes', 'hash_scaling', 'dht_p99_hops', 'replication_fanout', 'mailbox_50k'),
  ...of('macronode', '4 must-fix', 'bus_lag_sustained', 'mailbox_stalls'),
  ...of('macronode', '5 gates', 'gate_p95', 'gate_throughput', 'gate_cpu_memory', 'gate_soak_budgets', 'waivers'),
  ...of('macronode', '8 workloads', 'soak_24h', 'dht_storm_1m', 'rf_observed'),
  ...of('registry', '1.1', 'head_p95', 'head_p99', 'head_inter_p95', 'head_inter_p99', 'head_rate', 'head_degradation'),
  ...of('registry', '1.1', 'version_p95', 'version_rate', 'sse_p95', 'sse_lossy'),
  ...of('registry', '1.2', 'commit_p95', 'commit_p99', 'verify_p95', 'errors_5xx', 'rejects', 'audit_failures'),
  ...of('registry', '1.3', 'cpu_median', 'cpu_p95', 'memory_steady', 'memory_burst', 'fd_usage', 'inflight_bound'),
  ...of('registry', '1.4', 'ready_reads', 'ready_writes', 'ready_after_crash'),
  ...of('registry', '1.5', 'micronode_reads'),
  ...of('registry', '2.1', 'micro_verify', 'micro_blake3', 'micro_head_advance'),
  ...of('registry', '2.2', 'read_sweeps', 'commit_bursts'),
  ...of('registry', '2.3', 'profiling'),
  ...of('registry', '2.4', 'chaos'),
  ...of('registry', '2.5', 'nightly_baselines'),
  ...of('registry', '3', 'checkpoint_age', 'sharding_threshold'),
  ...of('registry', '5', 'gate_read_p95', 'gate_commit_p95', 'gate_throughput', 'gate_cpu_memory', 'golden_metrics'),
  ...of('registry', '6', 'promql'),
  ...of('mesh', 'target', 'overhead_at_100k', 'cost_per_request', 'overhead_gate'),
  ...of('mesh', 'where the cost is', 'envelope_writes', 'emit_writes', 'lookup_writes'),
  ...of('mesh', 'measured', 'micro_merge', 'micro_publish', 'micro_lookup'),
  ...of('mesh', 'not measured', 'tracing', 'audit'),
  ...of('mesh', 'whole mesh', 'idle', 'lookup_active', 'saturated'),
  ...of('mesh_peers', 'gauge', 'fresh_within_1s', 'never_per_message'),
  ...of('mesh_peers', 'registry', 'refreshers_bounded', 'refreshers_ordered'),
];
