import { z } from 'zod';
import { BusServiceName } from './bus-admin.ts';

/**
 * Routes of the gateway's ops port for the mesh. They ask for the admin token. While the mesh is off, `status` says so and
 * the others answer `not_found`.
 */
export const MESH_ADMIN_ROUTES = Object.freeze({
  status: '/admin/mesh',
  peers: '/admin/mesh/peers',
  /** GET: `?subject=`, `?limit=`. POST publishes what this node says. */
  claims: '/admin/mesh/claims',
  /** DELETE takes back what this node said. */
  claim: '/admin/mesh/claims/{kind}/{subject}',
  /** What a request of this address would meet: a lookup like any other, so a hit is counted. */
  standing: '/admin/mesh/standings/{address}',
  /** POST reads the trust list again. */
  reload: '/admin/mesh/reload',
});

/** Claims one answer holds (count): some 300 bytes each, so below half a MiB. */
export const MESH_CLAIMS_PAGE = 1_000;
const DEFAULT_CLAIMS = 100;
/** Seconds a claim may hold: a day, as long as the mesh keeps anything. */
export const MESH_TTL_MAX_S = 86_400;
const DEFAULT_TTL_S = 3_600;
/** Chars of a subject: a node id is the longest. */
const SUBJECT_CHARS = 64;

/** What a claim says of its subject. `packages/mesh` has the same list: a test there holds them together. */
export const MeshClaimKind = z.enum(['waf_reputation', 'rate_saturation', 'upstream_unhealthy', 'identity_revoked']);
export type MeshClaimKind = z.infer<typeof MeshClaimKind>;

/** Why a claim was made; the same list as that of `packages/mesh`. */
export const MeshClaimReason = z.enum([
  'unspecified',
  'quota_storm',
  'malformed_flood',
  'tarpit',
  'operator',
  'probe_failed',
  'key_leaked',
]);
export type MeshClaimReason = z.infer<typeof MeshClaimReason>;

/** Ed25519 public key of a node. */
export const MeshNodeId = z.string().regex(/^[0-9a-f]{64}$/);

/** An IP address as people write it; answers have it in its canonical form. */
export const MeshAddress = z.union([z.ipv4(), z.ipv6()]);

/** An address, the name of a service or a node id: the kind decides. */
export const MeshSubject = z
  .string()
  .max(SUBJECT_CHARS)
  .regex(/^[0-9A-Za-z:][0-9A-Za-z:._@-]*$/);

const score = z.number().min(0).max(1);
const said = {
  /** 0 to 1, three decimals count; higher is worse. */
  score,
  /** How long it holds, in s. */
  ttl_s: z.int().min(1).max(MESH_TTL_MAX_S).default(DEFAULT_TTL_S),
};

/** What an operator has this node say. Its reason is always `operator`. */
export const MeshClaimDraft = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.enum(['waf_reputation', 'rate_saturation']), subject: MeshAddress, ...said }),
  z.strictObject({ kind: z.literal('upstream_unhealthy'), subject: BusServiceName, ...said }),
  z.strictObject({ kind: z.literal('identity_revoked'), subject: MeshNodeId, ...said }),
]);
export type MeshClaimDraft = z.infer<typeof MeshClaimDraft>;

export const MeshClaimParams = z.strictObject({ kind: MeshClaimKind, subject: MeshSubject });
export type MeshClaimParams = z.infer<typeof MeshClaimParams>;

export const MeshClaimsQuery = z.strictObject({
  subject: MeshSubject.optional(),
  limit: z.coerce.number().int().min(1).max(MESH_CLAIMS_PAGE).default(DEFAULT_CLAIMS),
});
export type MeshClaimsQuery = z.infer<typeof MeshClaimsQuery>;

export const MeshStandingParams = z.strictObject({ address: MeshAddress });
export type MeshStandingParams = z.infer<typeof MeshStandingParams>;

export const MeshStatus = z.object({
  /** Whether this node takes part in a mesh at all. */
  enabled: z.boolean(),
  /** Whether the mesh thread runs. */
  running: z.boolean(),
  /** Null while the mesh is off. */
  node_id: MeshNodeId.nullable(),
  /** Multiaddrs it listens on. */
  listen: z.array(z.string()),
  enforcement: z.object({
    enabled: z.boolean(),
    /** Requests of clients with a score above it are refused, */
    deny_above: score,
    /** where at least so many sources say so. */
    min_sources: z.int().positive(),
  }),
  /** All 0 while the mesh is off. */
  counts: z.object({
    connected_peers: z.int().nonnegative(),
    /** Peers in the mesh of at least one topic. */
    meshed_peers: z.int().nonnegative(),
    /** Claims in the table, those taken back included. */
    claims: z.int().nonnegative(),
    /** Clients a request can be looked up for. */
    subjects: z.int().nonnegative(),
  }),
});
export type MeshStatus = z.infer<typeof MeshStatus>;

export const MeshPeer = z.object({
  /** Name in the trust list, else `unknown`. */
  client: z.string(),
  node_id: MeshNodeId,
  address: z.string(),
  direction: z.enum(['inbound', 'outbound']),
  /** In the mesh of at least one topic. */
  meshed: z.boolean(),
  /** gossipsub's score of it. */
  score: z.number(),
});
export type MeshPeer = z.infer<typeof MeshPeer>;

export const MeshPeerList = z.object({ peers: z.array(MeshPeer) });
export type MeshPeerList = z.infer<typeof MeshPeerList>;

/** A claim in the table. */
export const MeshClaim = z.object({
  kind: MeshClaimKind,
  subject: z.string(),
  source: MeshNodeId,
  /** Name of the source in the trust list, else `unknown`. */
  client: z.string(),
  score,
  reason: MeshClaimReason,
  revoked: z.boolean(),
  made_at: z.iso.datetime(),
  expires_at: z.iso.datetime(),
});
export type MeshClaim = z.infer<typeof MeshClaim>;

export const MeshClaimList = z.object({ claims: z.array(MeshClaim) });
export type MeshClaimList = z.infer<typeof MeshClaimList>;

/** What was handed to the mesh thread, by POST and by DELETE; a full queue is answered with `busy` instead. */
export const MeshClaimTaken = z.object({ kind: MeshClaimKind, subject: z.string() });
export type MeshClaimTaken = z.infer<typeof MeshClaimTaken>;

export const MeshStanding = z.object({
  /** In its canonical form. */
  address: z.string(),
  /** Null where nobody says anything of it; no sources where what they said has faded until none counts as one. */
  standing: z.object({ score, sources: z.int().nonnegative() }).nullable(),
  /**
   * What a request of it meets now. `too_few_sources`: it passes, though its score is above the threshold. While enforcement is
   * off every request passes.
   */
  verdict: z.enum(['pass', 'too_few_sources', 'deny']),
});
export type MeshStanding = z.infer<typeof MeshStanding>;

export const MeshTrustReload = z.object({
  /** `kept`: the file was refused, the list before it stays. */
  result: z.enum(['loaded', 'kept']),
  nodes: z.int().nonnegative(),
  /** What is wrong with the file; null for `loaded`. */
  problem: z.string().nullable(),
});
export type MeshTrustReload = z.infer<typeof MeshTrustReload>;
