import { type Bound, BOUNDS } from '../../bounds.ts';
import { FLOOD, FORGED, METRICS } from '../../declared.ts';
import type { Alert } from '../alert.ts';
import { rangeSeconds } from '../clock.ts';
import { gauge, increase, rate } from '../promql.ts';
import { RECORDED } from '../recorded.ts';
import { eventSignals, gaugeSignals, shareSignals, type Signal, type Signals, splitRateSignals } from '../signal.ts';

const { mesh } = METRICS;
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const INSTANCE = 'service, instance';
const GATEWAY = { service: 'gateway' };
const TICKET = { severity: 'ticket', labels: {}, scale: 'scrape', comparison: '>' } as const;
const panel = (title: string) => ({ board: 'macronode-mesh', title });
const NEVER: Bound = { value: 0, unit: 'none', why: 'Zero in good health: one is one too many.' };
const ALONE: Bound = { value: 0, unit: 'none', why: 'A mesh that runs has at least one peer.' };

const dropped = (reason: string) => ({ ...mesh.claimsDropped, labels: { reason } });
/** What is dropped in good health too. */
const ORDINARY: Signal = [{ ...dropped('stale'), wave: { perSecond: 100 } }];

/** A mesh that runs, or does not, with one client that is not in it and one that is or is not; before it has met anybody, none. */
const withPeers = (count: number | 'missing', running: 0 | 1): Signal => [
  { name: mesh.meshPeers.name, labels: { client: 'a' }, wave: count === 'missing' ? count : { gauge: 0 } },
  { name: mesh.meshPeers.name, labels: { client: 'b' }, wave: count === 'missing' ? count : { gauge: count } },
  { name: mesh.meshRunning.name, wave: { gauge: running } },
];
const alone: Signals = {
  ...GATEWAY,
  keeps: ['service', 'instance'],
  breaking: withPeers('missing', 1),
  holding: withPeers(1, 1),
  idle: withPeers(0, 0),
  value: () => 0,
  settleSeconds: 0,
};

/** Peers and their tables: who hears whom. */
const peerAlerts: readonly Alert[] = [
  {
    ...TICKET,
    name: 'MeshWithoutPeers',
    comparison: '==',
    expr: () => RECORDED.meshPeers,
    guard: () => `${gauge('max', mesh.meshRunning, INSTANCE)} > 0`,
    bound: ALONE,
    forSeconds: 2 * MINUTE,
    format: 'number',
    summary: ({ instance }, value) => `The mesh of the gateway at ${instance} runs and has ${value} peers.`,
    impact:
      'Clients cut at other gateways are unknown here, and those cut here are unknown there. Requests are served.',
    panel: panel('Mesh peers'),
    signals: alone,
    faults: ['mesh_peer_killed'],
  },
  {
    ...TICKET,
    name: 'MeshPeersStale',
    expr: () => gauge('max', mesh.peersAge, INSTANCE),
    bound: BOUNDS.mesh_peers_age,
    forSeconds: MINUTE,
    format: 'duration',
    summary: ({ instance }, value) =>
      `The mesh thread of the gateway at ${instance} last counted its peers ${value} ago.`,
    impact: 'What the boards show of its peers is old, and claims wait. Requests are served.',
    panel: panel('Peers counted, age'),
    signals: gaugeSignals(mesh.peersAge, BOUNDS.mesh_peers_age.value, GATEWAY),
    faults: [],
    unproduced:
      'It takes a mesh thread that computes for a minute beside a process that answers scrapes; gates bound its work.',
  },
  {
    ...TICKET,
    name: 'MeshSyncFailing',
    expr: () => RECORDED.meshSyncFailed,
    bound: BOUNDS.mesh_sync_failed,
    forSeconds: 5 * MINUTE,
    format: 'percentage',
    summary: ({ instance }, value) => `${value} of the comparisons of the mesh at ${instance} with its peers fail.`,
    impact: 'What gossip loses stays lost: a client cut during a partition is not known here after it.',
    panel: panel('Comparisons failing'),
    unknownWithoutTraffic: RECORDED.meshSyncFailed,
    signals: shareSignals(
      { ...mesh.syncRounds, labels: { result: 'failed' } },
      [{ ...mesh.syncRounds, labels: { result: 'same' } }],
      BOUNDS.mesh_sync_failed,
      GATEWAY,
    ),
    faults: ['mesh_peer_mute'],
  },
  {
    ...TICKET,
    name: 'MeshTrustListRefused',
    expr: (clock) => increase(mesh.trustReloads, INSTANCE, rangeSeconds(clock, MINUTE), 'result="kept"'),
    bound: NEVER,
    forSeconds: 0,
    keepFiringSeconds: HOUR,
    format: 'number',
    summary: ({ instance }, value) =>
      `The gateway at ${instance} refused its trust list ${value} times and kept the old one.`,
    impact: 'Nodes that were added are not trusted here, and one that was taken off still is.',
    panel: panel('Trust list read again'),
    signals: eventSignals(
      { ...mesh.trustReloads, labels: { result: 'kept' } },
      { ...GATEWAY, others: [{ ...mesh.trustReloads, labels: { result: 'loaded' }, wave: { perSecond: 1 } }] },
      'increase',
    ),
    faults: ['mesh_trust_damaged'],
  },
];

/** What comes in and must not. */
const claimAlerts: readonly Alert[] = [
  {
    ...TICKET,
    name: 'MeshClaimsForged',
    expr: (clock) => rate(mesh.claimsDropped, INSTANCE, rangeSeconds(clock, MINUTE), FORGED),
    bound: BOUNDS.mesh_forged,
    forSeconds: 2 * MINUTE,
    format: 'number',
    summary: ({ instance }, value) => `${value} forged claims a second reach the gateway at ${instance}.`,
    impact: 'None yet: they change nothing. A peer of ours passes them on, or signs them with another key.',
    panel: panel('Forged'),
    signals: splitRateSignals([dropped('signature'), dropped('untrusted')], BOUNDS.mesh_forged.value, {
      ...GATEWAY,
      others: ORDINARY,
    }),
    faults: ['mesh_forged'],
  },
  {
    ...TICKET,
    name: 'MeshClaimFlood',
    expr: (clock) => rate(mesh.claimsDropped, INSTANCE, rangeSeconds(clock, MINUTE), FLOOD),
    bound: BOUNDS.mesh_flood,
    forSeconds: MINUTE,
    format: 'number',
    summary: ({ instance }, value) =>
      `${value} claims a second over the share of their sender reach the gateway at ${instance}.`,
    impact: 'Claims of that sender are late or lost. Those of the others have shares of their own.',
    panel: panel('Flood'),
    signals: splitRateSignals([dropped('connection_rate'), dropped('rate')], BOUNDS.mesh_flood.value, {
      ...GATEWAY,
      others: ORDINARY,
    }),
    faults: ['mesh_flood'],
  },
  {
    ...TICKET,
    name: 'MeshTableNearBound',
    expr: () => gauge('max', mesh.tableClaims, INSTANCE),
    bound: BOUNDS.mesh_table,
    forSeconds: 5 * MINUTE,
    format: 'count',
    summary: ({ instance }, value) => `The mesh of the gateway at ${instance} keeps ${value} claims.`,
    impact: 'At 100,000 the claims nearest their end go early: clients are forgiven sooner.',
    panel: panel('Claims in the table'),
    signals: gaugeSignals(mesh.tableClaims, BOUNDS.mesh_table.value, GATEWAY),
    faults: [],
    unproduced: 'It takes eighty thousand claims at two hundred a second and source; the benches fill a table.',
  },
];

/** The thread beneath, and what is written down. */
const threadAlerts: readonly Alert[] = [
  {
    ...TICKET,
    name: 'MeshCommandsDropped',
    expr: (clock) => rate(mesh.commandsDropped, INSTANCE, rangeSeconds(clock, MINUTE)),
    bound: NEVER,
    forSeconds: 2 * MINUTE,
    format: 'number',
    summary: ({ instance }, value) => `The gateway at ${instance} loses ${value} commands to its mesh a second.`,
    impact: 'Clients are cut here as ever; the other gateways are not told of them.',
    panel: panel('Commands dropped'),
    signals: eventSignals({ ...mesh.commandsDropped, labels: { reason: 'full' } }, GATEWAY, 'rate'),
    faults: [],
    unproduced: 'It takes four thousand claims of one gateway within the time its mesh thread takes for one turn.',
  },
  {
    ...TICKET,
    name: 'MeshThreadRestarting',
    expr: (clock) => increase(mesh.workerRestarts, INSTANCE, rangeSeconds(clock, MINUTE)),
    bound: NEVER,
    forSeconds: 0,
    keepFiringSeconds: 15 * MINUTE,
    format: 'number',
    summary: ({ instance }, value) =>
      `The mesh thread of the gateway at ${instance} ended ${value} times and was started again.`,
    impact: 'It begins with an empty table and fetches it from its peers. Requests are served.',
    panel: panel('Starts of the thread'),
    signals: eventSignals(mesh.workerRestarts, GATEWAY, 'increase'),
    faults: [],
    unproduced: 'It takes a defect in the mesh thread; a port that is taken ends the start of the gateway.',
  },
  {
    ...TICKET,
    name: 'AuditEventsDropped',
    expr: (clock) => increase(mesh.auditEventsDropped, INSTANCE, rangeSeconds(clock, MINUTE)),
    bound: NEVER,
    forSeconds: 0,
    keepFiringSeconds: HOUR,
    format: 'number',
    summary: ({ instance }, value) => `The audit log of the gateway at ${instance} lost ${value} records.`,
    impact: 'Nobody can tell later why a client was refused in that time. Requests are served.',
    panel: panel('Audit records lost'),
    signals: eventSignals({ ...mesh.auditEventsDropped, labels: { reason: 'write_failed' } }, GATEWAY, 'increase'),
    faults: ['audit_disk_full'],
  },
];

/** The mesh: who hears whom, what comes in, and whether its thread runs. */
export const meshAlerts: readonly Alert[] = [...peerAlerts, ...claimAlerts, ...threadAlerts];
