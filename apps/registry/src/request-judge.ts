import { LIMITS, type RegistryAction, type RegistryAuth, ServiceError } from '@macronode/contracts';
import { signerIn, type SignerSet, verifyRequest } from '@macronode/log';
import type { Clock } from './clock.ts';
import type { SignedRequest } from './log.store.ts';
import { TokenBucket } from './token-bucket.ts';

/** When to come again at the earliest: a token may be there sooner, and whoever waits for each would be back at once. */
const RETRY_MIN_MS = 1_000;
/** Seconds of its rate a signer may use at once. */
const BURST_SECONDS = 5;

export interface RequestJudgeOptions {
  readonly clock: Clock;
  readonly proposePerSecond: number;
  readonly approvePerSecond: number;
  /** Off where a measurement switches quotas off. */
  readonly quotas: boolean;
  readonly nonceUsed: (nonce: string) => boolean;
}

export interface JudgedRequest {
  readonly action: RegistryAction;
  readonly log: string;
  readonly subject: string;
  readonly auth: RegistryAuth;
}

/**
 * Lets a request into the write plane: signed by an active signer, over this very request, not expired, within the
 * signer's rate. That its nonce is new is decided with the change itself, in one transaction.
 */
export class RequestJudge {
  readonly #options: RequestJudgeOptions;
  /** One for each action of a signer of the set in force. */
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(options: RequestJudgeOptions) {
    this.#options = options;
  }

  /** Answers what the store has to remember. Throws unknown_signer, expired, bad_signature or quota. */
  admit({ auth, ...target }: JudgedRequest, set: SignerSet, onVerified: () => void = () => undefined): SignedRequest {
    const signer = signerIn(set, auth.signer_id);
    if (signer === undefined) {
      throw new ServiceError('unknown_signer', `${auth.signer_id} is not in the signer set in force`, {
        reason: 'auth',
      });
    }
    const expiresAt = Date.parse(auth.expires_at);
    const now = this.#options.clock.wallMs();
    if (expiresAt <= now) throw new ServiceError('expired', 'the signed request has expired', { reason: 'auth' });
    if (expiresAt - now > LIMITS.registry_auth_max_ms.value + LIMITS.registry_clock_skew_ms.value) {
      const max = LIMITS.registry_auth_max_ms.value / 60_000;
      throw new ServiceError('schema', `a signed request expires at most ${max} minutes ahead`, { reason: 'auth' });
    }
    if (!verifyRequest(signer, target, auth)) {
      throw new ServiceError('bad_signature', 'the request is not signed by the signer it names', { reason: 'auth' });
    }
    onVerified();
    // Before its rate: a request somebody caught and sends again must not use up the signer's share.
    if (this.#options.nonceUsed(auth.nonce)) throw new ServiceError('replayed');
    this.#rate(target.action, auth.signer_id);
    return { nonce: auth.nonce, nonceExpiresAt: expiresAt };
  }

  #rate(action: RegistryAction, signerId: string): void {
    const { quotas, approvePerSecond, proposePerSecond } = this.#options;
    if (!quotas) return;
    const key = `${action} ${signerId}`;
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      const rate = action === 'approve' ? approvePerSecond : proposePerSecond;
      bucket = new TokenBucket(rate, rate * BURST_SECONDS);
      this.#buckets.set(key, bucket);
    }
    if (bucket.take()) return;
    throw new ServiceError('quota', `${signerId} asks more often than a signer may`, {
      reason: 'signer_rate',
      retryAfterMs: Math.max(RETRY_MIN_MS, bucket.waitMs()),
    });
  }

  /** Forgets signers that left; told of every rotation, so that the table stays as small as the set. */
  keep(set: SignerSet): void {
    for (const key of this.#buckets.keys()) {
      if (signerIn(set, key.slice(key.indexOf(' ') + 1)) === undefined) this.#buckets.delete(key);
    }
  }
}
