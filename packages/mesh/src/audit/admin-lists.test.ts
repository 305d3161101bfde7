import { expect, it } from 'vitest';
import { MESH_TTL_MAX_S, MeshClaimKind, MeshClaimReason } from '@macronode/contracts';
import { CLAIM_KINDS, CLAIM_REASONS } from '../claims/claim.ts';
import { MESH_LIMITS } from '../mesh-limits.ts';

// The contracts import nothing, so they say again what a claim is.
it('the contracts of the ops port know the kinds, reasons and bounds of the claims', () => {
  expect(MeshClaimKind.options).toEqual([...CLAIM_KINDS]);
  expect(MeshClaimReason.options).toEqual([...CLAIM_REASONS]);
  expect(MESH_TTL_MAX_S).toBe(MESH_LIMITS.ttlMaxSeconds);
});
