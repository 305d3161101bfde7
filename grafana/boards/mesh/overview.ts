import { BOUNDS } from '../../bounds.ts';
import { BY_STANDING, FORGED } from '../../declared.ts';
import type { BoardRow } from '../../panel.ts';
import { SANE } from '../sane.ts';
import { number } from '../sizes.ts';
import { gateway, golden, mesh } from './faces.ts';

/** Whether the gateways hear one another, and whether somebody disturbs them. */
export const promises: BoardRow = {
  title: 'Do the gateways hear one another',
  about: 'slo',
  collapsed: false,
  panels: [
    number({
      title: 'Networks',
      what: 'Networks of the mesh that run, all gateways together; 0 where the mesh is off.',
      good: 'one per gateway.',
      bad: 'fewer than gateways: the thread of one has ended, or starts.',
      runbook: 'MeshThreadRestarting',
      unit: 'short',
      targets: [{ expr: gateway.sum(mesh.meshRunning, ''), legend: 'running' }],
      evidence: { sane: SANE.count },
    }),
    number({
      title: 'Fewest peers',
      what: 'Distinct peers in the meshes of the gateway that has the fewest; 0 where the mesh is off.',
      good: 'all others, or at least four.',
      bad: 'zero on one gateway: it hears nobody, and nobody hears it.',
      runbook: 'MeshWithoutPeers',
      unit: 'short',
      targets: [{ expr: `min (${gateway.recorded('meshPeers')})`, legend: 'peers' }],
      evidence: { sane: SANE.count },
    }),
    number({
      title: 'Peers, age',
      what: 'Time since the peers were last counted, where it is longest.',
      good: 'below a second.',
      bad: 'above the line a mesh thread does not get to run; everything else here is old too.',
      runbook: 'MeshPeersStale',
      unit: 's',
      targets: [{ expr: gateway.max(mesh.peersAge, ''), legend: 'age' }],
      limit: BOUNDS.mesh_peers_age,
      breach: 'failure',
      evidence: { sane: SANE.age },
    }),
    number({
      title: 'Claims taken',
      what: 'Envelopes per second that changed a table.',
      good: 'as many as clients misbehave.',
      bad: 'zero while a gateway emits: see peers and drops.',
      runbook: 'MeshWithoutPeers',
      unit: 'ops',
      targets: [{ expr: gateway.rate(mesh.claimsReceived, ''), legend: 'taken' }],
      evidence: { sane: SANE.perSecond },
    }),
    number({
      title: 'Forgeries',
      what: 'Envelopes per second whose signature does not hold, or whose source nobody trusts.',
      good: 'zero.',
      bad: 'somebody forges, or trust lists differ.',
      runbook: 'MeshClaimsForged',
      unit: 'ops',
      targets: [{ expr: gateway.rate(mesh.claimsDropped, '', FORGED), legend: 'forged' }],
      limit: BOUNDS.mesh_forged,
      breach: 'failure',
      evidence: { sane: SANE.perSecond },
    }),
    number({
      title: 'Denied by standing',
      what: 'Requests per second refused for what the mesh says of their client; 0 where enforcement is off.',
      good: 'what abuse there is.',
      bad: 'clients complain: see quorum decisions, and lift the claims that are wrong.',
      runbook: 'MeshClaimsForged',
      unit: 'ops',
      targets: [{ expr: gateway.rate(golden.rejected, '', BY_STANDING), legend: 'denied' }],
      evidence: { sane: SANE.perSecond },
    }),
  ],
};
