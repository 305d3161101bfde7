import { randomBytes } from 'node:crypto';
import type { SigningKey } from '@macronode/keys';
import {
  REGISTRY_REQUEST_DOMAIN,
  type RegistryAction,
  type RegistryApproval,
  type RegistryAuth,
  type RegistryRequestClaim,
  type Signer,
} from '@macronode/contracts';
import { canonicalHash, signHash, verifyHash } from './signed-hash.ts';

/** What a request is about, beyond who asks and when. */
export interface RequestTarget {
  readonly action: RegistryAction;
  readonly log: string;
  /** A content id: see {@link RegistryRequestClaim}. */
  readonly subject: string;
}

/** The subject of an approval: the proposal it is sent to and the approval itself. */
export const approvalSubject = (proposalId: string, approval: RegistryApproval): string =>
  canonicalHash({ proposal_id: proposalId, approval });

/** The subject of a freeze or a thaw. */
export const reasonSubject = (reason: string): string => canonicalHash({ reason });

const claimHash = ({ action, log, subject }: RequestTarget, auth: Omit<RegistryAuth, 'sig'>): string => {
  const { signer_id, nonce, expires_at } = auth;
  return canonicalHash({ action, log, subject, signer_id, nonce, expires_at } satisfies RegistryRequestClaim);
};

/** Signs a request with a fresh nonce; it counts for `ttlMs` from `now`. */
export function signRequest(
  key: SigningKey,
  signerId: string,
  target: RequestTarget,
  now: Date,
  ttlMs = 60_000,
): RegistryAuth {
  const auth = {
    signer_id: signerId,
    nonce: randomBytes(16).toString('hex'),
    expires_at: new Date(now.getTime() + ttlMs).toISOString(),
  };
  return { ...auth, sig: signHash(key, REGISTRY_REQUEST_DOMAIN, claimHash(target, auth)) };
}

/** Whether the signer signed this very request. Its nonce and its expiry are for the caller to judge. */
export const verifyRequest = (signer: Signer, target: RequestTarget, auth: RegistryAuth): boolean =>
  auth.signer_id === signer.signer_id && verifyHash(signer, REGISTRY_REQUEST_DOMAIN, claimHash(target, auth), auth.sig);
