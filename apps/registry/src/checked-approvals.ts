import type { RegistryApproval, Signer } from '@macronode/contracts';
import { signerIn, type SignerSet, type Verifies, verifyApproval } from '@macronode/log';

/** Told of each signature that was verified. */
export type Verified = (signer: Signer, ok: boolean, seconds: number) => void;

/** The approvals of one payload, each verified once under each key it may be of. */
export class CheckedApprovals {
  readonly #payloadHash: string;
  readonly #told: Verified | undefined;
  readonly #known = new Map<string, boolean>();

  constructor(payloadHash: string, told?: Verified) {
    this.#payloadHash = payloadHash;
    this.#told = told;
  }

  readonly verifies: Verifies = (signer, approval) => {
    const key = `${signer.public_key} ${approval.algo} ${approval.sig}`;
    let ok = this.#known.get(key);
    if (ok === undefined) {
      const started = performance.now();
      ok = verifyApproval(signer, this.#payloadHash, approval);
      this.#told?.(signer, ok, (performance.now() - started) / 1_000);
      this.#known.set(key, ok);
    }
    return ok;
  };

  /** Whether it is of its signer's key in one of these sets. */
  byAny(sets: readonly SignerSet[], approval: RegistryApproval): boolean {
    return sets.some((set) => {
      const signer = signerIn(set, approval.signer_id);
      return signer !== undefined && this.verifies(signer, approval);
    });
  }
}
