import type { NodeKey } from '@macronode/keys';
import { MESH_LIMITS } from '../mesh-limits.ts';
import type { MeshLimits } from '../mesh-limits.ts';
import type { Claim, ClaimKind, Envelope } from './claim.ts';
import { SEQ_PER_MS, seqMax, signEnvelope } from './envelope.ts';
import type { EnvelopeLimits } from './envelope.ts';

type SourceLimits = EnvelopeLimits & Pick<MeshLimits, 'clockBehindMs'>;

/**
 * Signs what this node says.
 *
 * The newer of two envelopes is the one with the higher `seq`, so it has to rise whatever the clock does. It is the time
 * where that is higher than the last (nothing has to be kept over a restart), else one more than the last (the clock stood
 * still or stepped back). One case is left: a restart after which the clock is behind where it was. Then peers hold claims
 * of this node that its new ones would lose against; {@link observed} learns from those how far it had come.
 */
export class ClaimSource {
  readonly #key: NodeKey;
  readonly #now: () => number;
  readonly #limits: SourceLimits;
  #last = 0;

  /** `now` is in ms since 1970. */
  constructor(key: NodeKey, now: () => number, limits: SourceLimits = MESH_LIMITS) {
    this.#key = key;
    this.#now = now;
    this.#limits = limits;
  }

  /** Throws {@link ClaimMalformed} for a claim no node would take. */
  sign(claim: Claim): Envelope {
    return this.#sign(claim, false);
  }

  /** Takes back what this node said; holds as long as a claim can, so that an older one does not come back. */
  revoke(kind: ClaimKind, subject: string): Envelope {
    return this.#sign({ kind, subject, score: 0, reason: 'unspecified', ttlS: this.#limits.ttlMaxSeconds }, true);
  }

  /**
   * A `seq` of this node that came in from a peer; only of envelopes whose signature was checked. One no node would take is
   * not followed: an envelope kept from a day on which this clock was years ahead would silence the node for years.
   */
  observed(seq: number): void {
    if (seq <= seqMax(this.#now(), this.#limits)) this.#last = Math.max(this.#last, seq);
  }

  #sign(claim: Claim, revoked: boolean): Envelope {
    const madeAtMs = Math.floor(this.#now());
    const seq = Math.max(this.#last + 1, madeAtMs * SEQ_PER_MS);
    const envelope = signEnvelope(this.#key, claim, { seq, madeAtMs, revoked }, this.#limits);
    this.#last = seq;
    return envelope;
  }
}
