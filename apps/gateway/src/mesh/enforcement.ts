import { LIMITS } from '@macronode/contracts';
import type { Mesh, Standing } from '@macronode/mesh';

export interface EnforcementPolicy {
  /** Scores above it are refused, 0 to 1. */
  readonly denyAbove: number;
  /** Sources that have to say so. */
  readonly quorum: number;
}

export type Verdict = 'pass' | 'too_few_sources' | 'deny';

/** What a client of this standing meets. */
export function verdictOf({ denyAbove, quorum }: EnforcementPolicy, standing: Standing | undefined): Verdict {
  if (standing === undefined || standing.score <= denyAbove) return 'pass';
  return standing.sources >= quorum ? 'deny' : 'too_few_sources';
}

interface Decided {
  readonly verdict: Exclude<Verdict, 'pass'>;
  readonly standing: Standing;
}

/**
 * Refuses by the score, and tells of each client once when what it meets changes: refused, above the threshold by the word of
 * too few, or neither any more. That a standing has lapsed is seen at the client's next request.
 */
export class Enforcement {
  readonly #policy: EnforcementPolicy;
  readonly #tell: Mesh['decided'];
  readonly #bound: number;
  /** Clients above the threshold, the one decided first at the front. */
  readonly #decided = new Map<string, Decided>();

  constructor(policy: EnforcementPolicy, tell: Mesh['decided'], bound: number = LIMITS.gateway_mesh_decisions.value) {
    this.#policy = policy;
    this.#tell = tell;
    this.#bound = bound;
  }

  /** Whether a request of this client is refused. */
  refuses(address: string, standing: Standing | undefined): boolean {
    // Nearly every request: nothing is known of its client, nor was before.
    if (standing === undefined && this.#decided.size === 0) return false;
    const verdict = verdictOf(this.#policy, standing);
    const before = this.#decided.get(address);
    if (verdict !== (before?.verdict ?? 'pass')) this.#change(address, verdict, standing ?? before?.standing);
    return verdict === 'deny';
  }

  #change(address: string, verdict: Verdict, standing: Standing | undefined): void {
    if (standing === undefined) return;
    this.#decided.delete(address);
    if (verdict === 'pass') {
      this.#tell('lifted', address, standing);
      return;
    }
    if (this.#decided.size >= this.#bound) this.#forgetFirst();
    this.#decided.set(address, { verdict, standing });
    this.#tell(verdict, address, standing);
  }

  #forgetFirst(): void {
    for (const address of this.#decided.keys()) {
      this.#decided.delete(address);
      return;
    }
  }
}
