/** Grafana unit ids in use. Base units in; the unit does the scaling. */
export type Unit = 's' | 'bytes' | 'Bps' | 'reqps' | 'ops' | 'percentunit' | 'short' | 'none';

/** Where good ends. An alert compares with it and every panel of the same quantity draws it. */
export interface Bound {
  readonly value: number;
  readonly unit: Unit;
  readonly why: string;
}

const bound = (value: number, unit: Unit, why: string): Bound => Object.freeze({ value, unit, why });

/** The bounds of causes; those of objectives are in `contracts/src/slo.ts`. */
export const BOUNDS = Object.freeze({
  event_loop_lag_p99: bound(0.1, 's', 'Above it a timer is late by more than the latency objective of a read.'),
  cpu_cores: bound(0.9, 'short', 'One thread runs the service: near one core it has nothing left for a burst.'),
  gc_share: bound(0.1, 'percentunit', 'A tenth of the time in garbage collection is memory pressure, not work.'),
  memory_share: bound(0.9, 'percentunit', 'Above it the next burst meets the limit of the container.'),
  fd_share: bound(0.8, 'percentunit', 'A fifth is kept for the connections of the next burst.'),
  restarts: bound(3, 'short', 'More than three starts in fifteen minutes is a loop, not a deployment.'),

  bus_hint_lag: bound(0.0001, 'percentunit', 'The bus may lose one hint in ten thousand to slow readers.'),
  bus_overflow: bound(0.0001, 'percentunit', 'One refusal in ten thousand at rated load is the promise of the bus.'),
  bus_group_lag: bound(5, 's', 'The default deadline of a call: what waits longer is answered to nobody.'),
  bus_oldest_pending: bound(30, 's', 'Longer than any handler may run: its consumer is stuck or gone.'),
  bus_stream_fill: bound(0.8, 'percentunit', 'A full stream refuses; a fifth is kept for the burst.'),
  bus_redelivered: bound(0.01, 'percentunit', 'One delivery in a hundred repeated means consumers die or stall.'),
  bus_queue_wait_p99: bound(1, 's', 'A fifth of the default deadline spent before any handler starts.'),
  bus_reconnects: bound(0.05, 'ops', 'Three lost connections a minute is a network or a Redis that flaps.'),
  bus_outcome_unknown: bound(0.01, 'percentunit', 'One call in a hundred without an answer: writes may have happened.'),

  disk_free: bound(1024 ** 3, 'bytes', 'One object of the largest size above what storage refuses at.'),
  store_commit_p95: bound(0.25, 's', 'An fsync takes a few ms; at 250 ms writes miss their objective.'),
  store_queue: bound(1_000, 'short', 'One full batch of commands waiting behind the one that is written.'),

  mailbox_oldest_ready: bound(300, 's', 'Five minutes without a receiver: a topic has stalled.'),
  mailbox_expired_leases: bound(0.05, 'percentunit', 'One lease in twenty running out means receivers die or stall.'),
  gateway_inflight: bound(0.8, 'percentunit', 'Above it the gate is about to refuse.'),
  uploads_aborted: bound(0.05, 'percentunit', 'One upload in twenty ended by storage.'),
  downloads_aborted: bound(0.01, 'percentunit', 'One download in a hundred ended by storage.'),
  omnigate_failed: bound(0.01, 'percentunit', 'One request in a hundred failed at a call omnigate made itself.'),

  registry_commit_p95: bound(0.75, 's', 'The objective of a commit. Above it for five minutes it has to be mended.'),
  registry_verify_p95: bound(
    0.007,
    's',
    'What one approval may take: a quorum of sixteen is then a tenth of a second.',
  ),
  registry_checkpoint_age: bound(60, 's', 'One is signed every 30 s: at a minute two tries in a row have failed.'),
  registry_pending: bound(
    48,
    'short',
    'Three quarters of the proposals that may be open. One of them can be committed.',
  ),
  registry_refusing: bound(
    0.05,
    'ops',
    'Three writes a minute, for a quarter of an hour, that come back with maintenance.',
  ),
  registry_streams_lagged: bound(0.1, 'ops', 'Six times a minute a client is told that it lost events.'),
  registry_replica_lag: bound(50, 'short', 'Ten seconds of the fastest pace the objectives are for.'),
  registry_witness_failed: bound(0.5, 'percentunit', 'Half of what witnesses are asked: one of two is gone.'),
  registry_growth: bound(120_000, 'Bps', 'Ten gigabytes a day, which every start and every auditor reads again.'),
  registry_descriptors: bound(50_000, 'short', 'Above it partitioned logs are to be evaluated.'),
  registry_commit_rate: bound(10, 'ops', 'Above it signers in pools of their own are to be evaluated.'),

  mesh_peers_age: bound(2, 's', 'The peers are counted once a second: at two a count is missing.'),
  mesh_forged: bound(0.1, 'ops', 'Six a minute for minutes: nobody makes such envelopes by accident.'),
  mesh_flood: bound(10, 'ops', 'Over a share by ten a second for a minute is more than a burst.'),
  mesh_sync_failed: bound(0.5, 'percentunit', 'Half of the comparisons: one of two peers does not answer.'),
  mesh_table: bound(80_000, 'short', 'Four fifths of the claims a table holds; over it those nearest their end go.'),

  dashboard_query: bound(0.5, 's', 'A board of twenty panels then loads within a few seconds.'),
} satisfies Record<string, Bound>);
