import type { Claim, ClaimKind } from './claims/claim.ts';
import type { Outcome } from './claims/outcome.ts';
import type { StandingDelta } from './claims/standings.ts';
import type { ClaimReport, PeerReport, TrustReload } from './mesh.ts';
import type { MeshLimits } from './mesh-limits.ts';

/** What is told of the mesh's rounds: nothing, a summary of each sync, or that and each claim. */
export type MeshTracing = 'off' | 'rounds' | 'claims';

export interface MeshAuditOptions {
  readonly file: string;
  /** At least 32 bytes. */
  readonly key: Uint8Array;
  readonly keyId?: string | undefined;
  readonly previousKey?: Uint8Array | undefined;
  readonly maxBytes?: number | undefined;
  readonly files?: number | undefined;
}

/** What a mesh thread is started with. */
export interface MeshThreadData {
  /** Secret: the seed of the node's key, which does not leave this process. */
  readonly seed: Uint8Array;
  readonly trustFile: string;
  readonly listen: { readonly host: string; readonly port: number };
  readonly peers: readonly string[];
  readonly limits: MeshLimits;
  /** Memory of the counters of the mesh, and of those of gossipsub, and this thread's lane in each. */
  readonly counters: { readonly buffer: SharedArrayBuffer; readonly lane: number };
  readonly gossipsub: { readonly buffer: SharedArrayBuffer; readonly lane: number };
  readonly audit: MeshAuditOptions | undefined;
  readonly tracing: MeshTracing;
  readonly agent: string;
}

/** What the thread of requests wants done; nobody waits for it. */
export type MeshCommand =
  | { readonly kind: 'publish'; readonly claim: Claim }
  | { readonly kind: 'revoke'; readonly claimKind: ClaimKind; readonly subject: string }
  | {
      readonly kind: 'decided';
      readonly decision: 'deny' | 'too_few_sources' | 'lifted';
      readonly address: string;
      readonly score: number;
      readonly sources: number;
    };

export type MeshQuestion =
  | { readonly kind: 'peers' }
  | { readonly kind: 'claims'; readonly subject?: string | undefined; readonly limit: number }
  | { readonly kind: 'reload' };

export type MeshAnswer = readonly PeerReport[] | readonly ClaimReport[] | TrustReload;

export type ToMeshThread =
  | { readonly kind: 'commands'; readonly commands: readonly MeshCommand[] }
  | { readonly kind: 'ask'; readonly id: number; readonly question: MeshQuestion }
  | { readonly kind: 'close' };

/** The peers of one count, by their names in the trust list. */
export interface PeerSample {
  /** Distinct peers in the meshes of all topics. */
  readonly meshed: Readonly<Record<string, number>>;
  readonly connected: Readonly<Record<string, number>>;
  /** Names shown though nobody of them is there. */
  readonly clients: readonly string[];
}

/** One comparison with a peer, for whoever traces. */
export interface MeshRound {
  /** Name of the peer in the trust list, else `unknown`. */
  readonly client: string;
  readonly ok: boolean;
  /** Peers with a connection. */
  readonly peers: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Envelopes that came in and changed the table, and those that did not. */
  readonly merged: number;
  readonly dropped: number;
  /** In ms since 1970. */
  readonly startedAt: number;
  readonly ms: number;
}

/** What became of one envelope, for whoever traces claims. */
export interface MeshClaimEvent {
  /** In ms since 1970. */
  readonly at: number;
  readonly outcome: Outcome | 'published';
  /** Of envelopes whose signature is known to be good. */
  readonly kind?: ClaimKind | undefined;
  readonly source?: string | undefined;
}

export type FromMeshThread =
  | { readonly kind: 'ready'; readonly addresses: readonly string[] }
  /** It could not start. */
  | { readonly kind: 'failed'; readonly name: string; readonly message: string }
  | { readonly kind: 'taken'; readonly commands: number }
  | { readonly kind: 'deltas'; readonly deltas: readonly StandingDelta[] }
  | { readonly kind: 'sample'; readonly sample: PeerSample; readonly claims: number; readonly auditQueued: number }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: MeshAnswer }
  | { readonly kind: 'refused'; readonly id: number; readonly message: string }
  | {
      readonly kind: 'trace';
      readonly rounds: readonly MeshRound[];
      readonly claims: readonly MeshClaimEvent[];
      readonly lost: number;
    }
  | { readonly kind: 'log'; readonly level: 'info' | 'warn' | 'error'; readonly message: string };
