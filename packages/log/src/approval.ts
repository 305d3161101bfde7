import type { SigningKey } from '@macronode/keys';
import { REGISTRY_APPROVAL_DOMAIN, type RegistryApproval, type Signer } from '@macronode/contracts';
import { signHash, verifyHash } from './signed-hash.ts';

/** An approval of the payload with this hash. `signedAt` is the signer's clock: nothing is decided by it. */
export function approve(key: SigningKey, signerId: string, payloadHash: string, signedAt: Date): RegistryApproval {
  return {
    signer_id: signerId,
    algo: key.algorithm,
    sig: signHash(key, REGISTRY_APPROVAL_DOMAIN, payloadHash),
    signed_at: signedAt.toISOString(),
  };
}

/** Whether the signature is the signer's, over this payload and for this purpose. */
export const verifyApproval = (signer: Signer, payloadHash: string, approval: RegistryApproval): boolean =>
  approval.algo === signer.algo && verifyHash(signer, REGISTRY_APPROVAL_DOMAIN, payloadHash, approval.sig);
