import {
  MESH_ADMIN_ROUTES,
  type MeshClaim,
  MeshClaimDraft,
  type MeshClaimList,
  MeshClaimParams,
  type MeshClaimTaken,
  MeshClaimsQuery,
  type MeshPeer,
  type MeshPeerList,
  type MeshStanding,
  MeshStandingParams,
  type MeshStatus,
  type MeshTrustReload,
  ServiceError,
} from '@macronode/contracts';
import {
  canonicalAddress,
  type ClaimKind,
  type ClaimReport,
  type Mesh,
  MeshUnavailable,
  type PeerReport,
  type TrustReload,
} from '@macronode/mesh';
import {
  type AdminHandler,
  type AdminRequest,
  type AdminRoute,
  type Logger,
  parseAdmin,
  parseAs,
} from '@macronode/service';
import { type EnforcementPolicy, verdictOf } from './enforcement.ts';

const at = (method: AdminRoute['method'], template: string): AdminRoute => ({ method, template });

const ROUTES = Object.freeze({
  status: at('GET', MESH_ADMIN_ROUTES.status),
  peers: at('GET', MESH_ADMIN_ROUTES.peers),
  claims: at('GET', MESH_ADMIN_ROUTES.claims),
  publish: at('POST', MESH_ADMIN_ROUTES.claims),
  revoke: at('DELETE', MESH_ADMIN_ROUTES.claim),
  standing: at('GET', MESH_ADMIN_ROUTES.standing),
  reload: at('POST', MESH_ADMIN_ROUTES.reload),
});
type Name = keyof typeof ROUTES;

/** What the gateway adds to its ops port for the mesh, on or off. */
export const MESH_ADMIN: readonly AdminRoute[] = Object.values(ROUTES);

/** Refusals by score, as an operator sees them. */
export interface ShownPolicy extends EnforcementPolicy {
  readonly enabled: boolean;
}

type OnAdmin = (route: AdminRoute, handler: AdminHandler) => void;

/** While the mesh is off its status says so, and there is nothing else. */
export function answerMeshOff(onAdmin: OnAdmin, policy: ShownPolicy): void {
  const off: MeshStatus = {
    enabled: false,
    running: false,
    node_id: null,
    listen: [],
    enforcement: enforcementOf(policy),
    counts: { connected_peers: 0, meshed_peers: 0, claims: 0, subjects: 0 },
  };
  for (const [name, route] of Object.entries(ROUTES)) {
    onAdmin(route, () => {
      if (name === 'status') return off;
      throw new ServiceError('not_found', 'The mesh is off. MESH=true turns it on.', { reason: 'mesh_off' });
    });
  }
}

/** Answers the admin routes of a mesh that is on. What changes something is logged. */
export function answerMesh(onAdmin: OnAdmin, mesh: Mesh, policy: ShownPolicy, log: Logger): void {
  const handlers: Readonly<Record<Name, AdminHandler>> = {
    status: () => statusOf(mesh, policy),
    peers: async (): Promise<MeshPeerList> => ({ peers: (await mesh.peers()).map(toPeer) }),
    claims: async ({ query }): Promise<MeshClaimList> => {
      const { subject, limit } = parseAdmin(MeshClaimsQuery, query);
      const claims = await mesh.claims({ subject: subject === undefined ? undefined : spelled(subject), limit });
      return { claims: claims.map(toClaim) };
    },
    publish: ({ body }) => {
      const claim = publish(mesh, body);
      log.info(claim, 'claim of an operator published');
      return claim;
    },
    revoke: ({ params }) => {
      const { kind, subject } = parseAdmin(MeshClaimParams, params);
      const claim = taken(mesh.revoke(kind, spelled(subject)), kind, spelled(subject));
      log.info(claim, 'claim taken back by an operator');
      return claim;
    },
    standing: (request) => standingOf(mesh, policy, request),
    reload: async (): Promise<MeshTrustReload> => {
      const { result, nodes, problem = null } = await reloadTrust(mesh, log);
      return { result, nodes, problem };
    },
  };
  for (const name of Object.keys(ROUTES) as Name[]) onAdmin(ROUTES[name], answered(handlers[name]));
}

/** Has the trust list read again. What is wrong with one that was refused, the mesh thread says itself. */
export async function reloadTrust(mesh: Mesh, log: Logger): Promise<TrustReload> {
  const reload = await mesh.reload();
  if (reload.result === 'loaded') log.info({ nodes: reload.nodes }, 'trust list read');
  return reload;
}

/** A thread that does not answer is an outage, not a defect. */
const answered =
  (handler: AdminHandler): AdminHandler =>
  async (request) => {
    try {
      return await handler(request);
    } catch (error) {
      if (error instanceof MeshUnavailable) throw new ServiceError('unavailable', error.message, { cause: error });
      throw error;
    }
  };

/** An address in its canonical form; other subjects as they are. */
const spelled = (subject: string): string => canonicalAddress(subject) ?? subject;

function publish(mesh: Mesh, body: unknown): MeshClaimTaken {
  const { kind, subject, score, ttl_s } = parseAs(MeshClaimDraft, body);
  const claim = { kind, subject: spelled(subject), score, reason: 'operator' as const, ttlS: ttl_s };
  return taken(mesh.publish(claim), kind, claim.subject);
}

function taken(accepted: boolean, kind: ClaimKind, subject: string): MeshClaimTaken {
  if (!accepted) throw new ServiceError('busy', 'The queue of the mesh is full, or it is starting.');
  return { kind, subject };
}

const enforcementOf = ({ enabled, denyAbove, quorum }: ShownPolicy): MeshStatus['enforcement'] => ({
  enabled,
  deny_above: denyAbove,
  min_sources: quorum,
});

async function statusOf(mesh: Mesh, policy: ShownPolicy): Promise<MeshStatus> {
  const { running, nodeId, listen, table } = mesh;
  const peers = running ? await mesh.peers() : [];
  // Two that dialled each other at once have two connections.
  const distinct = (some: readonly PeerReport[]): number => new Set(some.map((peer) => peer.nodeId)).size;
  return {
    enabled: true,
    running,
    node_id: nodeId,
    listen: [...listen],
    enforcement: enforcementOf(policy),
    counts: {
      connected_peers: distinct(peers),
      meshed_peers: distinct(peers.filter(({ meshed }) => meshed)),
      ...table,
    },
  };
}

function standingOf(mesh: Mesh, policy: ShownPolicy, { params }: AdminRequest): MeshStanding {
  const address = spelled(parseAdmin(MeshStandingParams, params).address);
  const known = mesh.lookup(address);
  return {
    address,
    standing: known === undefined ? null : { score: known.score, sources: known.sources },
    verdict: policy.enabled ? verdictOf(policy, known) : 'pass',
  };
}

const toPeer = ({ client, nodeId, address, direction, meshed, score }: PeerReport): MeshPeer => ({
  client,
  node_id: nodeId,
  address,
  direction,
  meshed,
  score,
});

function toClaim({ madeAtMs, expiresAtMs, ...claim }: ClaimReport): MeshClaim {
  const { kind, subject, source, client, score, reason, revoked } = claim;
  const [made_at, expires_at] = [madeAtMs, expiresAtMs].map((ms) => new Date(ms).toISOString()) as [string, string];
  return { kind, subject, source, client, score, reason, revoked, made_at, expires_at };
}
