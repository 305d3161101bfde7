import { bounded, counter, gauge, type HandlesOf } from '@macronode/metrics';
import { DROP_REASONS } from './claims/outcome.ts';

/** Names in the trust list that are shown by name; the others are `unknown`. */
export const CLIENTS_MAX = 64;
const CLIENT = bounded(CLIENTS_MAX + 2, 'Names of the trust list, at most 64, and `unknown`.');

/** Why a command did not reach the mesh thread: its queue is full, it has ended, or it has not begun. */
export const COMMAND_DROPS = Object.freeze(['full', 'closed', 'uninitialized'] as const);
export type CommandDrop = (typeof COMMAND_DROPS)[number];

export const AUDIT_KINDS = Object.freeze([
  'mesh_publish',
  'mesh_receive',
  'mesh_peer_joined',
  'mesh_peer_dropped',
  'mesh_quorum_decision',
] as const);
export type AuditKind = (typeof AUDIT_KINDS)[number];

/**
 * Counted by the thread of requests and by that of the mesh, each in its own lane. All are 0 while the mesh is off.
 * An envelope is two writes (bytes in, and what became of it), a publish one, a lookup that hits one, a miss none.
 */
export const meshCounters = Object.freeze({
  claimsEmitted: counter({ name: 'mesh_claims_emitted_total', help: 'Claims of this node taken for publishing.' }),
  claimsReceived: counter({
    name: 'mesh_claims_received_total',
    help: 'Envelopes that changed the table: a claim that is new, newer, or taken back.',
  }),
  claimsDropped: counter({
    name: 'mesh_claims_dropped_total',
    help: 'Envelopes that changed nothing, by the gate that stopped them. With those received, every envelope that came in.',
    labels: { reason: DROP_REASONS },
    zeroFill: true,
  }),
  scoreLookups: counter({
    name: 'mesh_score_lookups_total',
    help: 'Requests of clients the mesh knows a score of.',
  }),
  gossipBytesIn: counter({ name: 'mesh_gossip_bytes_in_total', help: 'Bytes of envelopes that came in.' }),
  gossipBytesOut: counter({ name: 'mesh_gossip_bytes_out_total', help: 'Bytes of envelopes handed to the network.' }),
  commandsDropped: counter({
    name: 'mesh_command_dropped_total',
    help: 'Commands that did not reach the mesh thread: queue full, thread ended, or not begun. Never reset.',
    labels: { reason: COMMAND_DROPS },
    zeroFill: true,
  }),
  peerConnections: counter({
    name: 'lean_peer_connection_events_total',
    help: 'Connections to peers begun, by who began them and how it went.',
    labels: { direction: ['inbound', 'outbound'], result: ['success', 'timeout', 'error'] },
    zeroFill: true,
  }),
  peerDisconnections: counter({
    name: 'lean_peer_disconnection_events_total',
    help: 'Connections to peers ended, by who had begun them and why they ended.',
    labels: { direction: ['inbound', 'outbound'], reason: ['timeout', 'remote_close', 'local_close', 'error'] },
    zeroFill: true,
  }),
  peerSamples: counter({
    name: 'mesh_peer_samples_total',
    help: 'Times the peers were counted anew: once a second, and on events that can change them. Never per message.',
  }),
  peerSampleFailures: counter({
    name: 'mesh_peer_sample_failures_total',
    help: 'Times counting the peers failed; the mesh goes on with the last count.',
  }),
  syncRounds: counter({
    name: 'mesh_sync_rounds_total',
    help: 'Comparisons of the table with that of a peer, by how they ended; of those a peer asked for only the ones that broke off (`answer_failed`), or were too many (`answer_refused`).',
    labels: { result: ['same', 'differed', 'failed', 'answer_failed', 'answer_refused'] },
    zeroFill: true,
  }),
  syncEnvelopes: counter({
    name: 'mesh_sync_envelopes_total',
    help: 'Original envelopes fetched from a peer, or given to one, because a table lacked them.',
    labels: { direction: ['in', 'out'] },
    zeroFill: true,
  }),
  trustReloads: counter({
    name: 'mesh_trust_reloads_total',
    help: 'Times the trust list was read again; `kept` means the file was refused and the list before it stays.',
    labels: { result: ['loaded', 'kept'] },
    zeroFill: true,
  }),
  workerRestarts: counter({
    name: 'mesh_worker_restarts_total',
    help: 'Times the mesh thread ended by itself and was started again.',
  }),
  quorumDecisions: counter({
    name: 'mesh_quorum_decisions_total',
    help: 'Subjects whose standing crossed the threshold, by whether enough sources say so.',
    labels: { decision: ['deny', 'too_few_sources', 'lifted'] },
    zeroFill: true,
  }),
  auditEvents: counter({
    name: 'audit_events_total',
    help: 'Records appended to the audit log, by kind.',
    labels: { kind: AUDIT_KINDS },
    zeroFill: true,
  }),
  auditEventsDropped: counter({
    name: 'audit_events_dropped_total',
    help: 'Records that were lost because the queue of the audit log was full, or its file could not be written.',
    labels: { reason: ['full', 'write_failed'] },
    zeroFill: true,
  }),
});
export type MeshCounters = HandlesOf<typeof meshCounters>;

/** What is told of the mesh at a scrape. */
export const meshGauges = Object.freeze({
  meshPeers: gauge({
    name: 'lean_gossip_mesh_peers',
    help: 'Distinct peers in the meshes of all topics, by name in the trust list. 0 when the mesh is off or starts.',
    labels: { client: CLIENT },
  }),
  connectedPeers: gauge({
    name: 'lean_connected_peers',
    help: 'Peers with a connection, by name in the trust list.',
    labels: { client: CLIENT },
  }),
  meshRunning: gauge({
    name: 'lean_gossip_mesh_running',
    help: 'Networks of this process that run: tells a mesh without peers from one that is off.',
  }),
  peersAge: gauge({
    name: 'mesh_peers_age_seconds',
    help: 'Time since the peers were last counted. Above 2: the mesh thread does not get to run.',
  }),
  nodeInfo: gauge({
    name: 'lean_node_info',
    help: 'Always 1; the labels say what runs.',
    labels: {
      name: bounded(2, 'One process has one name.'),
      version: bounded(2, 'One process has one version.'),
    },
  }),
  startTime: gauge({
    name: 'lean_node_start_time_seconds',
    help: 'When the process started, in seconds since 1970.',
  }),
  tableClaims: gauge({ name: 'mesh_table_claims', help: 'Claims in the table, those taken back included.' }),
  tableSubjects: gauge({ name: 'mesh_table_subjects', help: 'Clients the request thread can look up.' }),
  queuedCommands: gauge({
    name: 'mesh_queued_commands',
    help: 'Commands given to the mesh thread and not taken by it yet.',
  }),
  auditQueued: gauge({ name: 'audit_queued_events', help: 'Records that wait to be written to the audit log.' }),
});
export type MeshGauges = HandlesOf<typeof meshGauges>;

/** Every metric of the mesh but gossipsub's own, for the generated pages. */
export const meshMetrics = Object.freeze({ ...meshCounters, ...meshGauges });
