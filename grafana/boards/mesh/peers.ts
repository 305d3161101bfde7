import { BOUNDS } from '../../bounds.ts';
import type { BoardRow } from '../../panel.ts';
import { top } from '../../series.ts';
import { SANE } from '../sane.ts';
import { lines } from '../sizes.ts';
import { CLIENTS_SHOWN, gateway, mesh } from './faces.ts';

/** Of the twin that shows every client by its name. */
const NAMED = 'client!=""';

/** Who is connected, and who is in the mesh. */
export const peers: BoardRow = {
  title: 'Peers',
  about: 'dependencies',
  collapsed: true,
  panels: [
    lines({
      title: 'Mesh peers',
      what: 'Distinct peers in the meshes of all topics, per gateway.',
      good: 'all others, up to a dozen.',
      bad: 'zero while it runs: it hears nobody.',
      runbook: 'MeshWithoutPeers',
      unit: 'short',
      targets: [{ expr: gateway.recorded('meshPeers'), legend: '{{instance}}' }],
      evidence: { sane: SANE.count },
    }),
    lines({
      title: 'Mesh peers (detailed)',
      what: 'The same by name in the trust list, all gateways together; the fifteen with the most.',
      good: 'every gateway as often as there are others.',
      bad: 'unknown: a key no list has. One is missing: it is cut off.',
      runbook: 'MeshWithoutPeers',
      unit: 'short',
      targets: [{ expr: top(CLIENTS_SHOWN, gateway.sum(mesh.meshPeers, 'client', NAMED)), legend: '{{client}}' }],
      evidence: { sane: SANE.count },
    }),
    lines({
      title: 'Networks running',
      what: 'Networks of the mesh that run, per gateway: tells a mesh without peers from one that is off.',
      good: 'one, or 0 where the mesh is off.',
      bad: 'falls to zero: its thread has ended.',
      runbook: 'MeshThreadRestarting',
      unit: 'short',
      targets: [{ expr: gateway.max(mesh.meshRunning, 'instance'), legend: '{{instance}}' }],
      evidence: { sane: [0, 4] },
    }),
    lines({
      title: 'Connected peers',
      what: 'Peers with a connection, per gateway.',
      good: 'all others.',
      bad: 'fewer than mesh peers never; zero: the network, or the trust lists.',
      runbook: 'MeshWithoutPeers',
      unit: 'short',
      targets: [{ expr: gateway.sum(mesh.connectedPeers, 'instance'), legend: '{{instance}}' }],
      evidence: { sane: SANE.count },
    }),
    lines({
      title: 'Connected peers (detailed)',
      what: 'The same by name in the trust list, all gateways together; the fifteen with the most.',
      good: 'every gateway as often as there are others.',
      bad: 'one is missing: look at its connections.',
      runbook: 'MeshWithoutPeers',
      unit: 'short',
      targets: [{ expr: top(CLIENTS_SHOWN, gateway.sum(mesh.connectedPeers, 'client', NAMED)), legend: '{{client}}' }],
      evidence: { sane: SANE.count },
    }),
    lines({
      title: 'Peers counted, age',
      what: 'Time since the peers were last counted, per gateway; 0 where the mesh is off.',
      good: 'below a second.',
      bad: 'above the line its mesh thread does not get to run.',
      runbook: 'MeshPeersStale',
      unit: 's',
      targets: [{ expr: gateway.max(mesh.peersAge, 'instance'), legend: '{{instance}}' }],
      limit: BOUNDS.mesh_peers_age,
      breach: 'failure',
      evidence: { sane: SANE.age },
    }),
    lines({
      title: 'Connections begun',
      what: 'Connections to peers begun per second, by who began them and how it went.',
      good: 'zero once all have met.',
      bad: 'error, timeout: a peer is away, or does not trust this one. success without end: they are cut again.',
      runbook: 'MeshWithoutPeers',
      unit: 'ops',
      targets: [{ expr: gateway.rate(mesh.peerConnections, 'direction, result'), legend: '{{direction}} {{result}}' }],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Connections ended',
      what: 'Connections to peers ended per second, by who had begun them and why they ended.',
      good: 'zero but for restarts.',
      bad: 'timeout, error: the network. local_close: trust was taken back, or there are too many.',
      runbook: 'MeshWithoutPeers',
      unit: 'ops',
      targets: [
        { expr: gateway.rate(mesh.peerDisconnections, 'direction, reason'), legend: '{{direction}} {{reason}}' },
      ],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Counts of the peers',
      what: 'Times per second the peers were counted, and times that failed.',
      good: 'one per gateway, a few more when peers come and go.',
      bad: 'as many as messages: a defect. failed: the log says why.',
      runbook: 'MeshPeersStale',
      unit: 'ops',
      targets: [
        { expr: gateway.rate(mesh.peerSamples, 'instance'), legend: '{{instance}}' },
        { expr: gateway.rate(mesh.peerSampleFailures, ''), legend: 'failed' },
      ],
      evidence: { sane: SANE.perSecond },
    }),
  ],
};

/** What gossip missed is fetched from a peer, the original envelopes. */
export const sync: BoardRow = {
  title: 'Comparison of the tables',
  about: 'dependencies',
  collapsed: true,
  panels: [
    lines({
      title: 'Comparisons',
      what: 'Comparisons of the table with that of a peer per second, by how they ended.',
      good: 'same, one in five seconds per gateway.',
      bad: 'differed for long: gossip loses claims. failed: the peer does not answer.',
      runbook: 'MeshSyncFailing',
      unit: 'ops',
      targets: [{ expr: gateway.rate(mesh.syncRounds, 'result'), legend: '{{result}}' }],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Comparisons failing',
      what: 'Share of the comparisons that failed.',
      good: 'zero.',
      bad: 'above the line what gossip misses stays missing.',
      runbook: 'MeshSyncFailing',
      unit: 'percentunit',
      targets: [{ expr: gateway.recorded('meshSyncFailed'), legend: '{{instance}}' }],
      limit: BOUNDS.mesh_sync_failed,
      breach: 'saturation',
      evidence: { sane: SANE.share },
    }),
    lines({
      title: 'Envelopes fetched and given',
      what: 'Original envelopes per second that one table had and the other lacked.',
      good: 'zero, and many when a gateway comes back.',
      bad: 'steady: gossip does not reach somebody.',
      runbook: 'MeshSyncFailing',
      unit: 'ops',
      targets: [{ expr: gateway.rate(mesh.syncEnvelopes, 'direction'), legend: '{{direction}}' }],
      evidence: { sane: SANE.perSecond },
    }),
  ],
};
