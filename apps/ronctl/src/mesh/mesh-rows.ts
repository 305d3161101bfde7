import type { MeshClaim, MeshPeer, MeshStanding, MeshStatus } from '@macronode/contracts';

const SHORT_ID_DIGITS = 12;
const shortId = (id: string): string => id.slice(0, SHORT_ID_DIGITS);

export function statusRows(status: MeshStatus): string[][] {
  const { enforcement, counts } = status;
  const asked = `score above ${enforcement.deny_above}, ${enforcement.min_sources} sources`;
  return [
    ['mesh', status.enabled ? 'on' : 'off'],
    ['running', status.running ? 'yes' : 'no'],
    ['node id', status.node_id ?? '-'],
    ['listens on', status.listen.length === 0 ? '-' : status.listen.join(', ')],
    ['enforcement', enforcement.enabled ? `refuses at ${asked}` : `off; would refuse at ${asked}`],
    ['peers', `${counts.connected_peers} connected, ${counts.meshed_peers} in a mesh`],
    ['claims', `${counts.claims}, of ${counts.subjects} clients that can be looked up`],
  ];
}

export const peerRows = (peers: readonly MeshPeer[]): string[][] => [
  ['CLIENT', 'NODE', 'DIRECTION', 'MESHED', 'SCORE', 'ADDRESS'],
  ...peers.map((peer) => [
    peer.client,
    shortId(peer.node_id),
    peer.direction,
    peer.meshed ? 'yes' : 'no',
    peer.score.toFixed(1),
    peer.address,
  ]),
];

export const claimRows = (claims: readonly MeshClaim[]): string[][] => [
  ['KIND', 'SUBJECT', 'SCORE', 'REASON', 'BY', 'NODE', 'MADE', 'EXPIRES'],
  ...claims.map((claim) => [
    claim.kind,
    claim.subject,
    claim.revoked ? 'taken back' : claim.score.toFixed(3),
    claim.reason,
    claim.client,
    shortId(claim.source),
    claim.made_at,
    claim.expires_at,
  ]),
];

export const standingRows = ({ address, standing, verdict }: MeshStanding): string[][] => [
  ['address', address],
  ['score', standing === null ? 'nobody says anything of it' : standing.score.toFixed(3)],
  ['sources', String(standing?.sources ?? 0)],
  ['verdict', verdict],
];
