import type { LogEntry } from './log-entry.ts';
import { shapeOf } from './payload-shape.ts';
import { type SignerSet, admitSignerSet } from './signer-set.ts';
import { type Check, VerificationFailed } from './verification-failed.ts';

/** An entry in its place, and who had to approve it. */
export interface Linked {
  readonly inForce: SignerSet;
  readonly incoming: SignerSet | undefined;
}

/** Walks the log from its first entry: versions, links, signer sets, and what no entry may do. Knows no network. */
export class LogChain {
  readonly log: string;
  readonly #sets: Map<number, SignerSet>;
  #inForce: SignerSet;
  #version = 0;
  #head: string | null = null;
  #sealed = false;

  constructor(log: string, first: SignerSet) {
    this.log = log;
    this.#inForce = first;
    this.#sets = new Map([[first.version, first]]);
  }

  get version(): number {
    return this.#version;
  }
  get sealed(): boolean {
    return this.#sealed;
  }
  get inForce(): SignerSet {
    return this.#inForce;
  }
  get rotations(): number {
    return this.#sets.size - 1;
  }

  /** The set that an entry of this version brought. */
  setOf(version: number): SignerSet | undefined {
    return this.#sets.get(version);
  }

  /** Puts the next entry in its place. Throws for the first thing that is wrong with it; then the chain is of no use. */
  link(entry: LogEntry): Linked {
    const { leaf, payload, version, kind } = entry;
    const next = this.#version + 1;
    function require(ok: boolean, check: Check, problem: string): asserts ok {
      if (!ok) throw new VerificationFailed(check, problem, next);
    }
    require(version === next, 'chain', `this is version ${version}: one is missing, or the order is another`);
    require(!this.#sealed, 'chain', 'the log was sealed before');
    const checkShape = shapeOf(kind);
    require(checkShape !== undefined, 'shape', `nobody knows the kind ${kind}`);
    require(leaf.textOrNull('prev_hash') === this.#head, 'chain', 'prev_hash is not the hash of the entry before');
    require(payload.text('log') === this.log, 'payload', `the payload is of the log ${payload.text('log')}`);
    require(payload.count('version') === next, 'payload', 'the payload was approved for another version');
    require(payload.text('kind') === kind, 'payload', 'the payload is of another kind than its leaf');
    checkShape(payload);
    require(payload.textOrNull('prev_hash') === this.#head, 'payload', 'the payload continues another entry');
    for (const members of [leaf, payload]) {
      const named = members.count('signer_set_version');
      require(named ===
        this.#inForce.version, 'signers', `the signers in force are of ${this.#inForce.version}, not ${named}`);
    }
    require(leaf.instant('committed_at') <=
      payload.instant('expires_at'), 'expiry', 'it was committed after it expired');
    if (kind === 'supersede') {
      require(this.#head !== null &&
        payload.text('supersede_of') === this.#head, 'chain', 'it supersedes what is not the entry before');
    }
    const incoming = kind === 'signers' ? admitSignerSet(`the signers it brings`, this.log, next, payload) : undefined;
    const linked = { inForce: this.#inForce, incoming };
    this.#advance(entry, incoming);
    return linked;
  }

  #advance(entry: LogEntry, incoming: SignerSet | undefined): void {
    this.#version = entry.version;
    this.#head = entry.entryB3;
    this.#sealed = entry.kind === 'seal';
    if (incoming === undefined) return;
    this.#inForce = incoming;
    this.#sets.set(incoming.version, incoming);
  }
}
