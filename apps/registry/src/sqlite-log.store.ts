import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { RegistryApproval } from '@macronode/contracts';
import type { SignerSet } from '@macronode/log';
import { Holders, type MetricsScope } from '@macronode/metrics';
import { openStore, siblingModule, statement, type Store } from '@macronode/store';
import type { commands } from './log.commands.ts';
import {
  type AdoptedEntry,
  type Appended,
  type Approved,
  type AppendEntry,
  type AuditFact,
  type Compaction,
  type Freeze,
  type LogIdentity,
  LogStore,
  type NewApproval,
  type NewProposal,
  type Proposed,
  type StoredCommit,
  type StoredEntry,
  type StoredProposal,
  type WitnessedHead,
} from './log.store.ts';

export interface LogStoreOptions {
  readonly location: { readonly file: string } | 'memory';
  readonly metrics: MetricsScope;
}

type Row = Readonly<Record<string, unknown>>;

const PROPOSAL = `SELECT payload_b3 AS payloadHash, version, kind, state, expires_at AS expiresAt,
  proposed_by AS proposedBy FROM proposals`;
const ENTRY = `SELECT version, leaf, entry_b3 AS entryHash, body AS payload
  FROM entries JOIN payloads USING (payload_b3)`;
/** Entries and bytes read at once: no statement stays open while a page is sent, and no reader holds more. */
const READ_AHEAD = 64;
const READ_AHEAD_BYTES = 1024 * 1024;
const SIZES = `SELECT octet_length(leaf) + octet_length(body) AS bytes
  FROM entries JOIN payloads USING (payload_b3) WHERE version > ? ORDER BY version LIMIT ?`;

/** A log in the embedded store: a file, or memory when the node keeps nothing. */
export class SqliteLogStore extends LogStore {
  readonly #store: Store<typeof commands>;
  readonly #db: DatabaseSync;
  readonly #file: string | undefined;
  readonly #writes = new Holders();

  private constructor(store: Store<typeof commands>, file: string | undefined) {
    super();
    this.#store = store;
    this.#db = store.reader;
    this.#file = file;
  }

  static async open({ location, metrics }: LogStoreOptions): Promise<SqliteLogStore> {
    const module = siblingModule('./log.commands', import.meta.url);
    const store = await openStore<typeof commands>({ location, module, metrics });
    return new SqliteLogStore(store, location === 'memory' ? undefined : location.file);
  }

  async #write<K extends keyof typeof commands & string>(
    command: K,
    input: Parameters<(typeof commands)[K]>[1],
  ): Promise<ReturnType<(typeof commands)[K]>> {
    const holder = this.#writes.enter();
    try {
      return await this.#store.write(command, input as never);
    } finally {
      this.#writes.leave(holder);
    }
  }

  override identify(identity: LogIdentity): Promise<'created' | 'known' | 'conflict'> {
    return this.#write('identify', identity);
  }
  override propose(proposal: NewProposal): Promise<Proposed> {
    return this.#write('propose', proposal);
  }
  override approve(approval: NewApproval): Promise<Approved> {
    return this.#write('approve', approval);
  }
  override append(entry: AppendEntry): Promise<Appended> {
    return this.#write('append', entry);
  }
  override freeze(request: Freeze): Promise<'changed' | 'unchanged' | 'replayed'> {
    return this.#write('freeze', request);
  }
  override note(audit: AuditFact): Promise<void> {
    return this.#write('note', audit);
  }
  override expire(audit: AuditFact): Promise<number> {
    return this.#write('expire', audit);
  }
  override compact(step: Compaction): Promise<number> {
    return this.#write('compact', step);
  }
  override adopt(entries: readonly AdoptedEntry[]): Promise<number> {
    return this.#write('adopt', { entries });
  }
  override witness(head: WitnessedHead): Promise<{ readonly known: number; readonly ok: boolean }> {
    return this.#write('witness', head);
  }

  #get(sql: string, ...values: (string | number)[]): Row | undefined {
    return statement(this.#db, sql).get(...values);
  }

  #all<T>(sql: string, ...values: (string | number)[]): readonly T[] {
    const rows: unknown = statement(this.#db, sql).all(...values);
    return rows as T[];
  }

  #fact(key: string): string | undefined {
    return this.#get('SELECT value FROM facts WHERE key = ?', key)?.['value'] as string | undefined;
  }

  override genesis(): string | undefined {
    return this.#fact('genesis');
  }
  override logName(): string | undefined {
    return this.#fact('log');
  }
  override frozen(): boolean {
    return this.#fact('frozen') === 'true';
  }
  override lockedOutside(): boolean {
    return this.#fact('locked') === 'true';
  }
  override nonceUsed(nonce: string): boolean {
    return this.#get('SELECT 1 FROM nonces WHERE nonce = ?', nonce) !== undefined;
  }

  override head(): StoredCommit | undefined {
    const sql = 'SELECT version, leaf, entry_b3 AS entryHash FROM entries ORDER BY version DESC LIMIT 1';
    return this.#get(sql) as StoredCommit | undefined;
  }

  override descriptors(): number {
    return Number(this.#get('SELECT descriptors FROM entries ORDER BY version DESC LIMIT 1')?.['descriptors'] ?? 0);
  }

  override entry(version: number): StoredEntry | undefined {
    return this.#get(`${ENTRY} WHERE version = ?`, version) as StoredEntry | undefined;
  }

  override *entries(after: number, limit: number): IterableIterator<StoredEntry> {
    let last = after;
    let left = limit;
    while (left > 0) {
      const page = this.#all<StoredEntry>(
        `${ENTRY} WHERE version > ? ORDER BY version LIMIT ?`,
        last,
        this.#fitting(last, Math.min(left, READ_AHEAD)),
      );
      if (page.length === 0) return;
      yield* page;
      last = page.at(-1)?.version ?? last;
      left -= page.length;
    }
  }

  /** How many of the next entries are read at once: one at least. */
  #fitting(after: number, limit: number): number {
    let room = READ_AHEAD_BYTES;
    const sizes = this.#all<{ readonly bytes: number }>(SIZES, after, limit);
    const fit = sizes.findIndex(({ bytes }) => (room -= bytes) < 0);
    return fit < 0 ? limit : Math.max(1, fit);
  }

  override commits(after: number, limit: number): readonly StoredCommit[] {
    const sql = 'SELECT version, leaf, entry_b3 AS entryHash FROM entries WHERE version > ? ORDER BY version LIMIT ?';
    return this.#all<StoredCommit>(sql, after, limit);
  }

  override leaves(after: number, limit: number): readonly string[] {
    const sql = 'SELECT leaf FROM entries WHERE version > ? ORDER BY version LIMIT ?';
    return this.#all<{ readonly leaf: string }>(sql, after, limit).map(({ leaf }) => leaf);
  }

  override *leafHashes(): IterableIterator<Uint8Array> {
    for (const row of this.#db.prepare('SELECT leaf_hash FROM entries ORDER BY version').iterate()) {
      yield row['leaf_hash'] as Uint8Array;
    }
  }

  override signedRoot(size: number): Uint8Array | undefined {
    return this.#get('SELECT root FROM signed_heads WHERE size = ?', size)?.['root'] as Uint8Array | undefined;
  }

  override signerSet(version: number): SignerSet | undefined {
    const row = this.#get(
      'SELECT version, body FROM signer_sets WHERE version <= ? ORDER BY version DESC LIMIT 1',
      version,
    );
    if (row === undefined) return undefined;
    const body = JSON.parse(row['body'] as string) as Omit<SignerSet, 'version'>;
    return { ...body, version: Number(row['version']) };
  }

  override proposal(payloadHash: string): StoredProposal | undefined {
    return this.#get(`${PROPOSAL} WHERE payload_b3 = ?`, payloadHash) as StoredProposal | undefined;
  }
  override openProposals(): readonly StoredProposal[] {
    return this.#all<StoredProposal>(`${PROPOSAL} WHERE state = 'open' ORDER BY changed_at`);
  }
  override payload(payloadHash: string): string | undefined {
    return this.#get('SELECT body FROM payloads WHERE payload_b3 = ?', payloadHash)?.['body'] as string | undefined;
  }
  override approvals(payloadHash: string): readonly RegistryApproval[] {
    const sql = 'SELECT body FROM approvals WHERE payload_b3 = ? ORDER BY signer_id';
    return this.#all<{ readonly body: string }>(sql, payloadHash).map(({ body }) =>
      RegistryApproval.parse(JSON.parse(body)),
    );
  }
  override auditRecords(after: number, limit: number): readonly string[] {
    const sql = 'SELECT body FROM audit WHERE seq > ? ORDER BY seq LIMIT ?';
    return this.#all<{ readonly body: string }>(sql, after, limit).map(({ body }) => body);
  }
  override witnessed(origin: string): { readonly size: number; readonly root: Uint8Array } | undefined {
    const row = this.#get('SELECT size, root FROM witnessed WHERE origin = ?', origin);
    return row && { size: Number(row['size']), root: row['root'] as Uint8Array };
  }
  override versionOf(payloadHash: string): number | undefined {
    return this.#get('SELECT version FROM entries WHERE payload_b3 = ?', payloadHash)?.['version'] as
      number | undefined;
  }

  override storageBytes(): number {
    if (this.#file === undefined) return 0;
    const files = [this.#file, `${this.#file}-wal`];
    return files.reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);
  }

  override stalledMs(): number {
    return this.#writes.oldestMs() ?? 0;
  }

  override get writable(): boolean {
    return this.#store.fatal === undefined;
  }

  override close(): Promise<void> {
    return this.#store.close();
  }
}
