import { BOUNDS } from '../../bounds.ts';
import { BY_STANDING, FLOOD, FORGED } from '../../declared.ts';
import type { BoardRow } from '../../panel.ts';
import { ratio } from '../../series.ts';
import { SANE } from '../sane.ts';
import { lines } from '../sizes.ts';
import { gateway, golden, mesh } from './faces.ts';

/** Those taken stand beside the reasons of those that were not: together every envelope that came in. */
const OUTCOMES = `${gateway.rate(mesh.claimsDropped, 'reason')} or label_replace(${gateway.rate(mesh.claimsReceived, '')}, "reason", "merged", "", "")`;

/** What came in, and what became of it. */
export const ledger: BoardRow = {
  title: 'Ledger of claims',
  about: 'red',
  collapsed: true,
  panels: [
    lines({
      title: 'Envelopes by outcome',
      what: 'Envelopes that came in per second: merged, or dropped by the gate that stopped them. There is no third.',
      good: 'merged, and stale or replay where the same comes over two ways.',
      bad: 'signature, untrusted: somebody forges. rate, connection_rate: a flood. clock: clocks differ. full: the table.',
      runbook: 'MeshClaimsForged',
      unit: 'ops',
      targets: [{ expr: OUTCOMES, legend: '{{reason}}' }],
      stacked: true,
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Claims emitted',
      what: 'Claims of its own that each gateway handed to its mesh per second.',
      good: 'zero but for abuse.',
      bad: 'one gateway alone: look at who attacks it, or at its bounds.',
      runbook: 'MeshCommandsDropped',
      unit: 'ops',
      targets: [{ expr: gateway.rate(mesh.claimsEmitted, 'instance'), legend: '{{instance}}' }],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Forged',
      what: 'Envelopes per second whose signature does not hold, or whose source nobody trusts.',
      good: 'zero.',
      bad: 'above the line somebody forges, or the trust lists of two gateways differ.',
      runbook: 'MeshClaimsForged',
      unit: 'ops',
      targets: [{ expr: gateway.rate(mesh.claimsDropped, 'instance', FORGED), legend: '{{instance}}' }],
      limit: BOUNDS.mesh_forged,
      breach: 'failure',
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Flood',
      what: 'Envelopes per second over the share of a connection, or of a source.',
      good: 'zero.',
      bad: 'above the line one peer or source sends all it can; those of the others still come through.',
      runbook: 'MeshClaimFlood',
      unit: 'ops',
      targets: [{ expr: gateway.rate(mesh.claimsDropped, 'instance', FLOOD), legend: '{{instance}}' }],
      limit: BOUNDS.mesh_flood,
      breach: 'saturation',
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Bytes of envelopes',
      what: 'Bytes of envelopes per second, in and out; what gossip adds to them is not in it.',
      good: 'follows the claims, about two hundred bytes each.',
      bad: 'far more in than claims: envelopes that are none.',
      runbook: 'MeshClaimFlood',
      unit: 'Bps',
      targets: [
        { expr: gateway.rate(mesh.gossipBytesIn, ''), legend: 'in' },
        { expr: gateway.rate(mesh.gossipBytesOut, ''), legend: 'out' },
      ],
      evidence: { sane: SANE.bytesPerSecond },
    }),
    lines({
      title: 'Claims in the table',
      what: 'Claims each gateway keeps, those taken back included.',
      good: 'far below the line, and alike on all gateways.',
      bad: 'at 100,000 those nearest their end go first.',
      runbook: 'MeshTableNearBound',
      unit: 'short',
      targets: [{ expr: gateway.max(mesh.tableClaims, 'instance'), legend: '{{instance}}' }],
      limit: BOUNDS.mesh_table,
      breach: 'saturation',
      evidence: { sane: SANE.count },
    }),
    lines({
      title: 'Clients known',
      what: 'Client addresses a request can be looked up with, per gateway.',
      good: 'alike on all gateways.',
      bad: 'one differs for longer than a comparison takes: it does not hear the others.',
      runbook: 'MeshSyncFailing',
      unit: 'short',
      targets: [{ expr: gateway.max(mesh.tableSubjects, 'instance'), legend: '{{instance}}' }],
      evidence: { sane: SANE.count },
    }),
  ],
};

/** What requests make of it. */
export const standings: BoardRow = {
  title: 'Lookups and standings',
  about: 'red',
  collapsed: true,
  panels: [
    lines({
      title: 'Lookups that hit',
      what: 'Requests per second of clients the mesh knows a score of. A miss is not counted.',
      good: 'a small part of the requests.',
      bad: 'most of them: one address stands for many clients, or the claims are wrong.',
      runbook: 'MeshClaimsForged',
      unit: 'ops',
      targets: [{ expr: gateway.rate(mesh.scoreLookups, 'instance'), legend: '{{instance}}' }],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Share of requests that hit',
      what: 'Requests of clients the mesh knows, over all requests.',
      good: 'a few percent.',
      bad: 'near one: a proxy in front hides the addresses of clients.',
      runbook: 'MeshClaimsForged',
      unit: 'percentunit',
      // A request is looked up when it comes and counted when it is answered.
      targets: [
        {
          expr: `clamp_max(${ratio(gateway.rate(mesh.scoreLookups, ''), gateway.rate(golden.httpRequests, ''))}, 1)`,
          legend: 'hits',
        },
      ],
      evidence: { sane: SANE.share },
    }),
    lines({
      title: 'Quorum decisions',
      what: 'Standings per second that crossed the threshold, by whether enough sources say so.',
      good: 'too_few_sources: one gateway alone denies nobody.',
      bad: 'deny at a steady pace: an attack, or sources that copy one another.',
      runbook: 'MeshClaimsForged',
      unit: 'ops',
      targets: [{ expr: gateway.rate(mesh.quorumDecisions, 'decision'), legend: '{{decision}}' }],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Requests denied',
      what: 'Requests per second refused for what the mesh says of their client, where enforcement is on.',
      good: 'what abuse there is.',
      bad: 'honest clients among them: lift the claim, or raise the threshold.',
      runbook: 'MeshClaimsForged',
      unit: 'ops',
      targets: [{ expr: gateway.rate(golden.rejected, 'instance', BY_STANDING), legend: '{{instance}}' }],
      evidence: { sane: SANE.perSecond },
    }),
  ],
};
