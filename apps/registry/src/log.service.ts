import {
  type RegistryCommitted,
  type RegistryHead,
  RegistryLeaf,
  type RegistrySigners,
  ServiceError,
} from '@macronode/contracts';
import { HashTree, leafHash, type SignerSet } from '@macronode/log';
import type { Checkpointer } from './checkpointer.ts';
import { ForkRefused, type HeadLock, lineOf } from './head-lock.ts';
import type { Appended, AppendEntry, LogStore, StoredCommit, StoredEntry } from './log.store.ts';
import type { RegistryMetrics } from './metrics.ts';
import type { Published } from './published.ts';
import { MENDED_RETRY_MS } from './refusals.ts';

/** A write that waits for the disk longer than this stops further ones: they would only join the line. */
const STALLED_MS = 1_000;

/** Steps of a commit, in their order, between which a process may end: each of them is crashed at. */
export const FAULT_STEPS = ['before append', 'after append', 'after lock', 'after sign'] as const;
type FaultStep = (typeof FAULT_STEPS)[number];

/** Told of each step of a commit: what a crash test stops at. */
export type FaultPoint = (step: FaultStep) => void;

export interface LogServiceOptions {
  readonly store: LogStore;
  readonly lock: HeadLock;
  /** Undefined until the log has a signer set: then there is nothing to sign. */
  readonly checkpointer: Checkpointer | undefined;
  readonly metrics: RegistryMetrics;
  /** A log that is followed, not written. */
  readonly replica: boolean;
  readonly faultPoint?: FaultPoint;
  /** Told of a listener that threw: the version is committed whoever hears of it. */
  readonly onListenerError: (error: unknown) => void;
}

/** Before the first entry. */
const EMPTY_HEAD: RegistryHead = {
  version: 0,
  payload_b3: null,
  entry_b3: null,
  committed_at: null,
  checkpoint_size: 0,
};

interface ReadCommit {
  readonly committed: RegistryCommitted;
  readonly kind: RegistryLeaf['kind'];
}

function readCommit({ version, leaf, entryHash }: StoredCommit): ReadCommit {
  const { payload_b3, committed_at, kind } = RegistryLeaf.parse(JSON.parse(leaf));
  return { committed: { version, payload_b3, entry_b3: entryHash, committed_at }, kind };
}

/** The request that asked for a commit: what is told of it belongs to its trace. */
export interface CommitOrigin {
  readonly corrId: string;
  /** W3C trace context. */
  readonly traceparent: string | undefined;
  readonly tracestate?: string | undefined;
}

/** `origin` is undefined where a version came from another log. */
type CommitListener = (committed: RegistryCommitted, origin?: CommitOrigin) => void;

/** Told of each step of a commit as it ends, for the stages of its metrics. */
export interface AppendTimes {
  append(): void;
  lock(): void;
  sign(): void;
}

/**
 * The log as it is read: its head, its tree, who may approve. One call at a time changes it, `append`, and what others
 * see moves on only when the entry is on disk, locked and signed.
 */
export class LogService {
  readonly #options: LogServiceOptions;
  readonly #tree = new HashTree();
  readonly #listeners = new Set<CommitListener>();
  #head: RegistryHead = EMPTY_HEAD;
  #published: Published | undefined;
  #sealed = false;
  #unfinished = false;
  #signers: SignerSet | undefined;

  private constructor(options: LogServiceOptions) {
    this.#options = options;
    const { metrics, checkpointer } = options;
    this.#published = checkpointer;
    metrics.headVersion.collect(() => this.#head.version);
    metrics.descriptors.collect(() => options.store.descriptors());
    for (const algo of ['ed25519', 'ml-dsa-44'] as const) {
      metrics.signers.collect(() => this.#signers?.signers.filter((signer) => signer.algo === algo).length ?? 0, {
        algo,
      });
    }
    metrics.minority.collect(() =>
      this.#signers !== undefined && 2 * this.#signers.m <= this.#signers.signers.length ? 1 : 0,
    );
  }

  /**
   * Reads the log and puts right what a crash left: a lock that is behind, a checkpoint that was not signed.
   * Rejects with {@link ForkRefused} when the lock says that another log was signed, or a longer one.
   */
  static async open(options: LogServiceOptions): Promise<LogService> {
    const log = new LogService(options);
    log.#load();
    if (!options.replica) await log.#recover();
    return log;
  }

  #load(): void {
    const { store } = this.#options;
    this.#tree.appendAll(store.leafHashes());
    const head = store.head();
    if (head !== undefined) this.#show(readCommit(head));
    this.#signers = store.signerSet(this.#head.version);
  }

  #show({ committed, kind }: ReadCommit): void {
    this.#head = { ...committed, checkpoint_size: 0 };
    this.#sealed = kind === 'seal';
  }

  async #recover(): Promise<void> {
    const { lock, checkpointer, metrics, store } = this.#options;
    const size = this.#tree.size;
    const locked = lock.last;
    if (!lock.found && store.lockedOutside()) throw new ForkRefused(missingLock(size, this.#tree.root()));
    if (locked !== undefined) {
      if (locked.size > size) {
        throw new ForkRefused(
          `this log has ${size} entries, and ${locked.size} were signed before: it was restored from an older backup. ` +
            'Writing on would fork it. Restore a newer backup, or let it follow a replica that has the rest',
        );
      }
      if (Buffer.from(this.#tree.root(locked.size)).toString('hex') !== locked.root) {
        throw new ForkRefused(`another log was signed at size ${locked.size}: this is not its continuation`);
      }
    }
    const signed = store.signedRoot(size);
    if (size > 0 && signed !== undefined && !Buffer.from(signed).equals(this.#tree.root())) {
      throw new ForkRefused(
        `the entries no longer give the root that was signed for size ${size}: the log was changed`,
      );
    }
    if (checkpointer === undefined) return;
    if (size > (locked?.size ?? 0)) {
      await lock.advance({ size, root: Buffer.from(this.#tree.root()).toString('hex') });
      metrics.recoveries.inc({ kind: 'lock' });
    }
    checkpointer.publish(size, this.#tree.root());
  }

  /** A checkpoint is signed a moment before its version is shown: until then it counts as the one before. */
  get head(): RegistryHead {
    const signed = this.#published?.signed?.checkpoint.size ?? 0;
    return { ...this.#head, checkpoint_size: Math.min(signed, this.#head.version) };
  }
  get sealed(): boolean {
    return this.#sealed;
  }
  get signerSet(): SignerSet | undefined {
    return this.#signers;
  }
  get tree(): HashTree {
    return this.#tree;
  }
  get store(): LogStore {
    return this.#options.store;
  }
  get checkpointer(): Checkpointer | undefined {
    return this.#options.checkpointer;
  }

  /** Whose checkpoint the head tells of: that of a log that is followed comes from there, and after its entries. */
  publishedBy(published: Published): void {
    this.#published = published;
  }

  /** The set a log begins with came after it was opened: a replica that has just met the log it follows. */
  begin(): void {
    this.#signers = this.#options.store.signerSet(this.#head.version);
  }

  /** Whether it can still be written: the database, the lock, and that no commit was left unfinished. */
  get writable(): boolean {
    return !this.#unfinished && this.#options.store.writable && this.#options.lock.writable;
  }

  /** Whether its disk keeps writes waiting: further ones are shed. */
  get stalled(): boolean {
    return this.#options.store.stalledMs() > STALLED_MS;
  }

  state(): RegistrySigners['state'] {
    if (this.#options.replica) return 'replica';
    if (this.#signers === undefined) return 'no_signers';
    if (this.#sealed) return 'sealed';
    return this.#options.store.frozen() ? 'frozen' : 'open';
  }

  /** Who may approve, and whether anything is taken; the keys of the log are whoever's that signs it. */
  signers(): Omit<RegistrySigners, 'vkey' | 'cosigner_vkey'> {
    const { store } = this.#options;
    const genesis = store.signerSet(0);
    return {
      log: store.logName() ?? '',
      state: this.state(),
      version: this.#signers?.version ?? 0,
      m: this.#signers?.m ?? 0,
      k_pq: this.#signers?.k_pq ?? 0,
      signers: [...(this.#signers?.signers ?? [])],
      genesis: genesis === undefined ? null : { m: genesis.m, k_pq: genesis.k_pq, signers: [...genesis.signers] },
    };
  }

  /** Commits after a version, oldest first. */
  committed(after: number, limit: number): readonly RegistryCommitted[] {
    return this.#options.store
      .commits(after, this.#shownOf(after, limit))
      .map((commit) => readCommit(commit).committed);
  }

  /** A version that is shown; undefined for one that is not there, or not signed yet. */
  entry(version: number): StoredEntry | undefined {
    return version > this.#head.version ? undefined : this.#options.store.entry(version);
  }

  /** Versions after one, oldest first, as far as they are shown. */
  entries(after: number, limit: number): IterableIterator<StoredEntry> {
    return this.#options.store.entries(after, this.#shownOf(after, limit));
  }

  #shownOf(after: number, limit: number): number {
    return Math.max(0, Math.min(limit, this.#head.version - after));
  }

  /** Told of every version after it can be read. What it returns ends it. */
  onCommit(listener: CommitListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Makes an entry the head: one transaction, then the lock, then the checkpoint, then others see it. What fails before
   * the transaction changes nothing; what fails after it is finished by the next start.
   * Answers `cas` when the head is another one, `replayed` when the nonce of the request was used.
   */
  async append(
    entry: Omit<AppendEntry, 'leafHash' | 'root' | 'lockedOutside'>,
    set: SignerSet | undefined,
    times: AppendTimes,
    origin?: CommitOrigin,
  ): Promise<Appended['outcome']> {
    const { store, lock, faultPoint = () => undefined } = this.#options;
    const hashed = leafHash(Buffer.from(entry.leaf));
    const root = this.#tree.rootWith(hashed);
    faultPoint('before append');
    const { outcome } = await store.append({ ...entry, leafHash: hashed, root, lockedOutside: lock.outside });
    if (outcome !== 'committed') return outcome;
    times.append();
    faultPoint('after append');
    try {
      await this.#sign(entry.version, root, times);
    } catch (error) {
      // On disk, and not signed: only a start can finish it, and nothing may be put on top.
      this.#unfinished = true;
      throw error;
    }
    faultPoint('after sign');
    this.#tree.append(hashed);
    if (set !== undefined) this.#signers = set;
    this.#advance({ version: entry.version, leaf: entry.leaf, entryHash: entry.entryHash }, origin);
    return 'committed';
  }

  async #sign(size: number, root: Uint8Array, times: AppendTimes): Promise<void> {
    const { lock, checkpointer, faultPoint = () => undefined } = this.#options;
    await lock.advance({ size, root: Buffer.from(root).toString('hex') });
    times.lock();
    faultPoint('after lock');
    checkpointer?.publish(size, root);
    times.sign();
  }

  /** Entries a replica has verified and stored. */
  adopted(
    entries: readonly {
      readonly version: number;
      readonly leaf: string;
      readonly entryHash: string;
      readonly leafHash: Uint8Array;
    }[],
  ): void {
    for (const entry of entries) {
      if (entry.version !== this.#head.version + 1) continue;
      this.#tree.append(entry.leafHash);
      this.#signers = this.#options.store.signerSet(entry.version) ?? this.#signers;
      this.#advance(entry);
    }
  }

  #advance(commit: StoredCommit, origin?: CommitOrigin): void {
    const read = readCommit(commit);
    this.#show(read);
    for (const listener of this.#listeners) {
      try {
        listener(read.committed, origin);
      } catch (error) {
        this.#options.onListenerError(error);
      }
    }
  }

  /** A store that failed once takes no write any more; said in the words of the table. */
  refuseWhenBroken(): void {
    if (this.writable) return;
    throw new ServiceError('unavailable', 'the log cannot be written: its disk failed. Reads go on', {
      reason: 'store',
      retryAfterMs: MENDED_RETRY_MS,
    });
  }
}

/** Without its lock a log cannot know whether it is the newest there was. */
const missingLock = (size: number, root: Uint8Array): string =>
  'the lock of this log is missing, so it cannot be told whether a longer one was signed. Put its folder back; or, sure that ' +
  `this is the newest there is, make the file signed-heads in it with the line: ${lineOf({ size, root: Buffer.from(root).toString('hex') }).trim()}`;
