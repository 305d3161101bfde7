import type { RegistryApproval, RegistryAuditRecord, RegistryProposalState } from '@macronode/contracts';
import type { SignerSet } from '@macronode/log';

/** What is written into the audit chain beside a change, in the same transaction. */
export interface AuditFact {
  /** Wall clock, ms since the epoch. */
  readonly at: number;
  readonly writerId: string;
  readonly kind: RegistryAuditRecord['kind'];
  readonly actor: string | null;
  readonly subject: string | null;
  readonly reason: string | null;
  readonly attrs: Readonly<Record<string, string | number>>;
}

/** The nonce of a signed request: taken with the change it asks for, so that it counts once. */
export interface SignedRequest {
  readonly nonce: string;
  /** ms since the epoch: until then it is remembered. */
  readonly nonceExpiresAt: number;
}

export interface LogIdentity {
  readonly log: string;
  readonly genesis: { readonly text: string; readonly signers: string } | undefined;
  readonly audit: AuditFact;
}

export interface NewProposal extends SignedRequest {
  readonly payloadHash: string;
  /** The canonical payload. */
  readonly text: string;
  readonly version: number;
  readonly prevHash: string | null;
  readonly kind: string;
  readonly expiresAt: number;
  readonly proposedBy: string;
  /** Open proposals of all signers, and of this one. */
  readonly pendingMax: number;
  readonly pendingOfSigner: number;
  readonly audit: AuditFact;
}

export interface NewApproval extends SignedRequest {
  readonly payloadHash: string;
  readonly signerId: string;
  /** The approval as JSON. */
  readonly body: string;
  /** Its signature: an approval with the same one is a repeat, whenever it says it was made. */
  readonly sameSignature: string;
  readonly audit: AuditFact;
}

export interface AppendEntry extends SignedRequest {
  readonly version: number;
  readonly prevHash: string | null;
  /** The canonical leaf. */
  readonly leaf: string;
  readonly entryHash: string;
  /** Its hash in the Merkle tree, and the root of the tree with it. */
  readonly leafHash: Uint8Array;
  readonly root: Uint8Array;
  readonly payloadHash: string;
  readonly kind: string;
  /** That a head lock outside of this store knows of it: from then on a lock has to be there. */
  readonly lockedOutside: boolean;
  /** The signer set it brings, as JSON. */
  readonly signers?: string;
  readonly audit: AuditFact;
}

export type Appended =
  { readonly outcome: 'committed'; readonly stale: number } | { readonly outcome: 'cas' | 'replayed' | 'frozen' };

export type Proposed = 'created' | 'repeated' | 'replayed' | 'full' | 'full_of_signer' | 'cas' | 'frozen';
export type Approved = 'added' | 'repeated' | 'replayed' | 'conflict' | 'settled' | 'frozen';

export interface Freeze extends SignedRequest {
  readonly frozen: boolean;
  readonly audit: AuditFact;
}

export interface Compaction {
  readonly now: number;
  /** Proposals settled before this instant go. */
  readonly settledBefore: number;
  readonly auditKeep: number;
  /** Rows of each kind one step removes. */
  readonly rows: number;
}

export interface AdoptedEntry {
  readonly version: number;
  readonly prevHash: string | null;
  readonly leaf: string;
  readonly entryHash: string;
  readonly leafHash: Uint8Array;
  readonly payloadHash: string;
  readonly payload: string;
  readonly signers?: string;
}

export interface WitnessedHead {
  readonly origin: string;
  readonly oldSize: number;
  readonly size: number;
  readonly root: Uint8Array;
}

/** An entry as it is stored: both texts canonical. */
export interface StoredEntry {
  readonly version: number;
  readonly leaf: string;
  readonly entryHash: string;
  readonly payload: string;
}

/** A commit without its payload. */
export interface StoredCommit {
  readonly version: number;
  readonly leaf: string;
  readonly entryHash: string;
}

export interface StoredProposal {
  readonly payloadHash: string;
  readonly version: number;
  readonly kind: string;
  readonly state: RegistryProposalState;
  /** ms since the epoch. */
  readonly expiresAt: number;
  readonly proposedBy: string;
}

/**
 * Where a log lives. Every write is durable when it resolves, and one transaction with its nonce and its audit record;
 * reads are synchronous and see every acknowledged write.
 */
export abstract class LogStore {
  abstract identify(identity: LogIdentity): Promise<'created' | 'known' | 'conflict'>;
  /** A rotation of signers is taken while the log is frozen; nothing else is. */
  abstract propose(proposal: NewProposal): Promise<Proposed>;
  abstract approve(approval: NewApproval): Promise<Approved>;
  /** Rejects with StoreCommandError `forked` when another root was signed for this size. */
  abstract append(entry: AppendEntry): Promise<Appended>;
  abstract freeze(request: Freeze): Promise<'changed' | 'unchanged' | 'replayed'>;
  abstract note(audit: AuditFact): Promise<void>;
  /** Ends open proposals that are over their time at the instant of the fact, which is recorded of each. Answers how many. */
  abstract expire(audit: AuditFact): Promise<number>;
  abstract compact(step: Compaction): Promise<number>;
  abstract adopt(entries: readonly AdoptedEntry[]): Promise<number>;
  abstract witness(head: WitnessedHead): Promise<{ readonly known: number; readonly ok: boolean }>;

  /** The genesis file's canonical text; undefined before there is one. */
  abstract genesis(): string | undefined;
  abstract logName(): string | undefined;
  abstract frozen(): boolean;
  /** Whether a head lock outside of this store has been told of an entry. */
  abstract lockedOutside(): boolean;
  abstract nonceUsed(nonce: string): boolean;
  abstract head(): StoredCommit | undefined;
  /** Descriptors in all entries. */
  abstract descriptors(): number;
  abstract entry(version: number): StoredEntry | undefined;
  abstract entries(after: number, limit: number): IterableIterator<StoredEntry>;
  abstract commits(after: number, limit: number): readonly StoredCommit[];
  /** Canonical leaves after a version, in order. */
  abstract leaves(after: number, limit: number): readonly string[];
  abstract leafHashes(): IterableIterator<Uint8Array>;
  abstract signedRoot(size: number): Uint8Array | undefined;
  abstract signerSet(version: number): SignerSet | undefined;
  abstract proposal(payloadHash: string): StoredProposal | undefined;
  abstract openProposals(): readonly StoredProposal[];
  abstract payload(payloadHash: string): string | undefined;
  abstract approvals(payloadHash: string): readonly RegistryApproval[];
  abstract auditRecords(after: number, limit: number): readonly string[];
  /** What this node cosigned last of another log. */
  abstract witnessed(origin: string): { readonly size: number; readonly root: Uint8Array } | undefined;
  /** The version a payload became; undefined when it is not committed. */
  abstract versionOf(payloadHash: string): number | undefined;

  /** Bytes on disk; 0 in memory. */
  abstract storageBytes(): number;
  /** How long the oldest write in line has been waiting, in ms; 0 when none does. */
  abstract stalledMs(): number;
  abstract get writable(): boolean;
  abstract close(): Promise<void>;
}
