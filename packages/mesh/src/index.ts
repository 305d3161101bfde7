export { CLAIM_KINDS, CLAIM_REASONS } from './claims/claim.ts';
export type { Claim, ClaimKind, ClaimReason, Envelope } from './claims/claim.ts';
export { DROP_REASONS } from './claims/outcome.ts';
export type { DropReason, Outcome } from './claims/outcome.ts';
export type { ClaimReport, Mesh, PeerReport, Standing, TrustReload } from './mesh.ts';
export { MESH_LIMITS } from './mesh-limits.ts';
export type { MeshLimits } from './mesh-limits.ts';
export { AUDIT_KINDS, meshCounters, meshGauges, meshMetrics } from './metrics.ts';
export type { AuditKind, MeshCounters, MeshGauges } from './metrics.ts';
