import type { Claim, ClaimKind, ClaimReason } from './claims/claim.ts';

/** What the mesh thinks of a client: read at each of its requests, so every field is ready to use. */
export interface Standing {
  /** 0 to 1, all sources together, as old claims fade; higher is worse. */
  readonly score: number;
  /** The same as text, three decimals: the value of `X-Macronode-Mesh-Score`. */
  readonly header: string;
  /** Distinct sources that say so. */
  readonly sources: number;
}

/** A peer of this node, as operators see it. */
export interface PeerReport {
  /** Name in the trust list, else `unknown`. */
  readonly client: string;
  readonly nodeId: string;
  readonly address: string;
  readonly direction: 'inbound' | 'outbound';
  /** In the mesh of at least one topic. */
  readonly meshed: boolean;
  /** gossipsub's score of it. */
  readonly score: number;
}

/** A claim in the table, as operators see it. */
export interface ClaimReport {
  readonly kind: ClaimKind;
  readonly subject: string;
  readonly source: string;
  /** Name of the source in the trust list, else `unknown`. */
  readonly client: string;
  readonly score: number;
  readonly reason: ClaimReason;
  readonly revoked: boolean;
  readonly madeAtMs: number;
  readonly expiresAtMs: number;
}

/** What reading the trust list again changed. */
export interface TrustReload {
  readonly result: 'loaded' | 'kept';
  readonly nodes: number;
  /** What is wrong with the file, where the list before it was kept. */
  readonly problem?: string | undefined;
}

/** The mesh as the thread of requests sees it. */
export interface Mesh extends AsyncDisposable {
  /** Node id: the Ed25519 public key, 64 hex digits. */
  readonly nodeId: string;
  /** Whether its thread has started and runs. */
  readonly running: boolean;
  /** Multiaddrs it listens on, as the mesh thread last told them. */
  readonly listen: readonly string[];
  /** Claims in the table, and clients that can be looked up, as the mesh thread last told them (counts). */
  readonly table: { readonly claims: number; readonly subjects: number };
  /** What is known of a client's address, as {@link canonicalAddress} writes it; a hit is counted. Never waits. */
  lookup(address: string): Standing | undefined;
  /** Publishes what this node says. False when it was not taken: counted in `mesh_command_dropped_total`. Never waits. */
  publish(claim: Claim): boolean;
  /** Takes back what this node said. */
  revoke(kind: ClaimKind, subject: string): boolean;
  /** Tells the audit log that a standing led, or no longer leads, to a refusal. */
  decided(decision: 'deny' | 'too_few_sources' | 'lifted', address: string, standing: Standing): void;
  peers(): Promise<readonly PeerReport[]>;
  /** Claims of one subject, or the first `limit` of all. */
  claims(query: { readonly subject?: string | undefined; readonly limit: number }): Promise<readonly ClaimReport[]>;
  /** Reads the trust list again. */
  reload(): Promise<TrustReload>;
}
