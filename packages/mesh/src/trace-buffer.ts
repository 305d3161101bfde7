import type { Envelope } from './claims/claim.ts';
import type { FromMeshThread, MeshClaimEvent, MeshRound } from './mesh-thread-protocol.ts';

type Trace = Omit<Extract<FromMeshThread, { readonly kind: 'trace' }>, 'kind'>;

/** Events of claims told at once; what is beyond is counted as lost. A buffer is told of once a second, and with each round. */
const CLAIMS_MAX = 1_024;

/** A sync as it is told of; without a result it failed. */
interface TracedRound extends Pick<MeshRound, 'bytesIn' | 'bytesOut' | 'startedAt' | 'ms'> {
  readonly result: { readonly merged: number; readonly envelopesIn: number } | undefined;
}

/** What a mesh that is traced tells; one that is not has none of these. */
export class TraceBuffer {
  readonly #withClaims: boolean;
  readonly #tell: (trace: Trace) => void;
  #rounds: MeshRound[] = [];
  #claims: MeshClaimEvent[] = [];
  #lost = 0;

  constructor(level: 'rounds' | 'claims', tell: (trace: Trace) => void) {
    this.#withClaims = level === 'claims';
    this.#tell = tell;
  }

  round({ result, bytesIn, bytesOut, startedAt, ms }: TracedRound, client: string, peers: number): void {
    const merged = result?.merged ?? 0;
    const dropped = (result?.envelopesIn ?? 0) - merged;
    this.#rounds.push({ client, ok: result !== undefined, peers, bytesIn, bytesOut, merged, dropped, startedAt, ms });
    this.flush();
  }

  claim(outcome: MeshClaimEvent['outcome'], envelope: Envelope | undefined): void {
    if (!this.#withClaims) return;
    if (this.#claims.length >= CLAIMS_MAX) this.#lost += 1;
    else this.#claims.push({ at: Date.now(), outcome, kind: envelope?.kind, source: envelope?.source });
  }

  flush(): void {
    if (this.#rounds.length + this.#claims.length + this.#lost === 0) return;
    const trace = { rounds: this.#rounds, claims: this.#claims, lost: this.#lost };
    this.#rounds = [];
    this.#claims = [];
    this.#lost = 0;
    this.#tell(trace);
  }
}
