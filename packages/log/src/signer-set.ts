import { admitPublicKey, KeyRefused, type KeyRefusedReason, type SigningKey } from '@macronode/keys';
import { REGISTRY_POSSESSION_DOMAIN, type Signer, type SignerClaim } from '@macronode/contracts';
import { canonicalHash, signHash, verifyHash } from './signed-hash.ts';

/** Who may approve: `m` of these, at least `k_pq` of them with a post-quantum key. */
export interface SignerSet {
  /** Version of the entry that set it; 0 for the one a log begins with. */
  readonly version: number;
  readonly m: number;
  readonly k_pq: number;
  readonly signers: readonly Signer[];
}

export type SignerSetRefusedReason = KeyRefusedReason | 'possession' | 'duplicate_id' | 'duplicate_key' | 'quorum';

/** Thrown by {@link admitSignerSet}. `signerId` names the member that is refused, when it is one. */
export class SignerSetRefused extends Error {
  override readonly name = 'SignerSetRefused';
  readonly reason: SignerSetRefusedReason;
  readonly signerId: string | undefined;

  constructor(reason: SignerSetRefusedReason, message: string, signerId?: string) {
    super(signerId === undefined ? message : `${signerId}: ${message}`);
    this.reason = reason;
    this.signerId = signerId;
  }
}

const claimHash = (claim: SignerClaim): string =>
  canonicalHash({ log: claim.log, signer_id: claim.signer_id, algo: claim.algo, public_key: claim.public_key });

/** A member made of a key: with the proof that whoever names it holds it. */
export function signerOf(key: SigningKey, log: string, signerId: string): Signer {
  const claim = { log, signer_id: signerId, algo: key.algorithm, public_key: key.publicKeyHex };
  const possession = signHash(key, REGISTRY_POSSESSION_DOMAIN, claimHash(claim));
  return { signer_id: signerId, algo: key.algorithm, public_key: key.publicKeyHex, possession };
}

function admitSigner(log: string, signer: Signer): void {
  const { signer_id, algo, public_key, possession } = signer;
  try {
    admitPublicKey(algo, public_key);
  } catch (error) {
    if (error instanceof KeyRefused) throw new SignerSetRefused(error.reason, error.message, signer_id);
    throw error;
  }
  if (!verifyHash(signer, REGISTRY_POSSESSION_DOMAIN, claimHash({ log, signer_id, algo, public_key }), possession)) {
    throw new SignerSetRefused('possession', 'no proof that the key is held: its signature does not verify', signer_id);
  }
}

/**
 * Lets a signer set into a log, or throws {@link SignerSetRefused}: distinct ids and distinct keys, each key admitted
 * and shown to be held, and a quorum the set can reach (1 ≤ m ≤ n, k_pq ≤ m and no more than the post-quantum keys).
 */
export function admitSignerSet(log: string, set: Omit<SignerSet, 'version'>): void {
  const { m, k_pq: kPq, signers } = set;
  const ids = new Set<string>();
  const keys = new Set<string>();
  for (const signer of signers) {
    if (ids.has(signer.signer_id)) throw new SignerSetRefused('duplicate_id', 'named twice', signer.signer_id);
    if (keys.has(signer.public_key))
      throw new SignerSetRefused('duplicate_key', 'a key of another signer', signer.signer_id);
    ids.add(signer.signer_id);
    keys.add(signer.public_key);
    admitSigner(log, signer);
  }
  const postQuantum = signers.filter(isPostQuantum).length;
  if (m < 1 || m > signers.length) throw new SignerSetRefused('quorum', `m is ${m} of ${signers.length} signers`);
  if (kPq > m || kPq > postQuantum) {
    throw new SignerSetRefused('quorum', `k_pq is ${kPq}, m is ${m}, and ${postQuantum} keys are post-quantum`);
  }
}

/** Whether a signature of this signer counts for `k_pq`. */
export const isPostQuantum = (signer: Pick<Signer, 'algo'>): boolean => signer.algo === 'ml-dsa-44';

/** The member with this id. */
export const signerIn = (set: Pick<SignerSet, 'signers'>, signerId: string): Signer | undefined =>
  set.signers.find((signer) => signer.signer_id === signerId);
