import type { DatabaseSync } from 'node:sqlite';
import { canonicalJson, hashBytes } from '@macronode/content';
import { LIMITS } from '@macronode/contracts';
import { statement, StoreCommandError } from '@macronode/store';
import type {
  AdoptedEntry,
  Appended,
  Approved,
  AppendEntry,
  AuditFact,
  Compaction,
  Freeze,
  LogIdentity,
  NewApproval,
  NewProposal,
  Proposed,
  SignedRequest,
  WitnessedHead,
} from './log.store.ts';

export const migrations: readonly string[] = [
  `CREATE TABLE entries (
     version INTEGER PRIMARY KEY,
     leaf TEXT NOT NULL,
     entry_b3 TEXT NOT NULL,
     leaf_hash BLOB NOT NULL,
     payload_b3 TEXT NOT NULL UNIQUE
   ) STRICT;
   CREATE TABLE payloads (payload_b3 TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
   CREATE TABLE proposals (
     payload_b3 TEXT PRIMARY KEY,
     version INTEGER NOT NULL,
     kind TEXT NOT NULL,
     state TEXT NOT NULL,
     expires_at INTEGER NOT NULL,
     proposed_by TEXT NOT NULL,
     changed_at INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX proposals_by_state ON proposals (state, changed_at);
   CREATE TABLE approvals (
     payload_b3 TEXT NOT NULL,
     signer_id TEXT NOT NULL,
     body TEXT NOT NULL,
     PRIMARY KEY (payload_b3, signer_id)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE nonces (nonce TEXT PRIMARY KEY, expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
   CREATE INDEX nonces_by_expiry ON nonces (expires_at);
   CREATE TABLE signer_sets (version INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
   CREATE TABLE signed_heads (size INTEGER PRIMARY KEY, root BLOB NOT NULL) STRICT;
   CREATE TABLE audit (seq INTEGER PRIMARY KEY, body TEXT NOT NULL, self_hash TEXT NOT NULL) STRICT;
   CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE witnessed (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL) STRICT, WITHOUT ROWID;`,
  // A damaged payload counts as none here: the store opens, and the verifier is the one to find it.
  `ALTER TABLE entries ADD COLUMN descriptors INTEGER NOT NULL DEFAULT 0;
   UPDATE entries SET descriptors = counted.total
   FROM (
     SELECT version, sum(
       coalesce(CASE WHEN json_valid(payloads.body) THEN json_array_length(payloads.body, '$.items') END, 0)
     ) OVER (ORDER BY version) AS total
     FROM entries LEFT JOIN payloads USING (payload_b3)
   ) AS counted
   WHERE counted.version = entries.version;`,
];

/** The link before the first record of an audit chain. */
const AUDIT_GENESIS = 'b3:0';

const fact = (db: DatabaseSync, key: string): string | undefined =>
  statement(db, 'SELECT value FROM facts WHERE key = ?').get(key)?.['value'] as string | undefined;

const setFact = (db: DatabaseSync, key: string, value: string): void => {
  statement(db, 'INSERT OR REPLACE INTO facts (key, value) VALUES (?, ?)').run(key, value);
};

/** Links a record to the one before it. Order and links are made here, where one command runs at a time. */
function appendAudit(db: DatabaseSync, record: AuditFact): void {
  const last = statement(db, 'SELECT seq, self_hash FROM audit ORDER BY seq DESC LIMIT 1').get();
  const seq = Number(last?.['seq'] ?? 0) + 1;
  const prev = (last?.['self_hash'] as string | undefined) ?? AUDIT_GENESIS;
  const body = {
    v: 1,
    seq,
    ts_ms: record.at,
    writer_id: record.writerId,
    kind: record.kind,
    actor: record.actor,
    subject: record.subject,
    reason: record.reason,
    attrs: record.attrs,
    prev,
  };
  const selfHash = hashBytes(Buffer.from(canonicalJson(body)));
  const text = canonicalJson({ ...body, self_hash: selfHash });
  statement(db, 'INSERT INTO audit (seq, body, self_hash) VALUES (?, ?, ?)').run(seq, text, selfHash);
}

/** Takes the nonce of a request, once. */
function useNonce(db: DatabaseSync, { nonce, nonceExpiresAt }: SignedRequest): boolean {
  const sql = 'INSERT OR IGNORE INTO nonces (nonce, expires_at) VALUES (?, ?)';
  return statement(db, sql).run(nonce, nonceExpiresAt).changes === 1;
}

interface HeadRow {
  readonly version: number;
  readonly entry_b3: string;
}

const head = (db: DatabaseSync): HeadRow | undefined =>
  statement(db, 'SELECT version, entry_b3 FROM entries ORDER BY version DESC LIMIT 1').get() as HeadRow | undefined;

/** Remembers the root of a size for ever: a second root for it would be a fork. */
function signHead(db: DatabaseSync, size: number, root: Uint8Array): void {
  const known = statement(db, 'SELECT root FROM signed_heads WHERE size = ?').get(size)?.['root'];
  if (known === undefined) {
    statement(db, 'INSERT INTO signed_heads (size, root) VALUES (?, ?)').run(size, root);
  } else if (!Buffer.from(known as Uint8Array).equals(root)) {
    throw new StoreCommandError('forked', `another root was signed for size ${size}`);
  }
}

/** Its descriptors are counted with those of all entries before it. */
function insertEntry(
  db: DatabaseSync,
  entry: Pick<AppendEntry, 'version' | 'leaf' | 'entryHash' | 'leafHash' | 'payloadHash'>,
): void {
  const sql = `INSERT INTO entries (version, leaf, entry_b3, leaf_hash, payload_b3, descriptors)
    VALUES (?1, ?2, ?3, ?4, ?5,
      coalesce((SELECT descriptors FROM entries WHERE version = ?1 - 1), 0) +
      coalesce((SELECT json_array_length(body, '$.items') FROM payloads WHERE payload_b3 = ?5), 0))`;
  statement(db, sql).run(entry.version, entry.leaf, entry.entryHash, entry.leafHash, entry.payloadHash);
}

const insertSigners = (db: DatabaseSync, version: number, body: string): void => {
  statement(db, 'INSERT INTO signer_sets (version, body) VALUES (?, ?)').run(version, body);
};

/** Ends a proposal. What did not become an entry keeps its payload only when that is short. */
function settle(db: DatabaseSync, payloadHash: string, state: 'committed' | 'stale' | 'expired', at: number): void {
  statement(db, 'UPDATE proposals SET state = ?, changed_at = ? WHERE payload_b3 = ?').run(state, at, payloadHash);
  if (state === 'committed') return;
  const sql = 'DELETE FROM payloads WHERE payload_b3 = ? AND octet_length(body) > ?';
  statement(db, sql).run(payloadHash, LIMITS.registry_settled_payload_bytes.value);
}

/** Whether the log takes nothing of this kind: a rotation passes, so that no signer can keep the others from ending it. */
const isFrozen = (db: DatabaseSync, kind: string): boolean => kind !== 'signers' && fact(db, 'frozen') === 'true';

/** Whether this is the place after the head. */
function continues(db: DatabaseSync, version: number, prevHash: string | null): boolean {
  const current = head(db);
  return (current?.version ?? 0) + 1 === version && (current?.entry_b3 ?? null) === prevHash;
}

function forget(db: DatabaseSync, payloadHash: string): void {
  statement(db, 'DELETE FROM approvals WHERE payload_b3 = ?').run(payloadHash);
  statement(db, 'DELETE FROM proposals WHERE payload_b3 = ?').run(payloadHash);
  statement(
    db,
    'DELETE FROM payloads WHERE payload_b3 = ?1 AND NOT EXISTS (SELECT 1 FROM entries WHERE payload_b3 = ?1)',
  ).run(payloadHash);
}

/** Two for each one that comes, so that their number shrinks to its bound. */
function forgetSettled(db: DatabaseSync): void {
  const due = statement(
    db,
    `SELECT payload_b3 FROM proposals WHERE state != 'open' ORDER BY changed_at
       LIMIT min(2, max(0, (SELECT count(*) FROM proposals WHERE state != 'open') - ?))`,
  ).all(LIMITS.registry_settled_proposals.value) as { readonly payload_b3: string }[];
  for (const { payload_b3: hash } of due) forget(db, hash);
}

export const commands = {
  /** The first start makes the log what it is; later ones must agree. A genesis may come after an empty start. */
  identify(db: DatabaseSync, { log, genesis, audit }: LogIdentity): 'created' | 'known' | 'conflict' {
    const known = fact(db, 'genesis');
    if (known !== undefined) return genesis === undefined || known === genesis.text ? 'known' : 'conflict';
    if (genesis === undefined) return 'known';
    setFact(db, 'genesis', genesis.text);
    setFact(db, 'log', log);
    insertSigners(db, 0, genesis.signers);
    appendAudit(db, audit);
    return 'created';
  },

  propose(db: DatabaseSync, proposal: NewProposal): Proposed {
    if (isFrozen(db, proposal.kind)) return 'frozen';
    if (!useNonce(db, proposal)) return 'replayed';
    const { payloadHash, text, version, kind, expiresAt, audit } = proposal;
    if (statement(db, 'SELECT 1 FROM proposals WHERE payload_b3 = ?').get(payloadHash) !== undefined) return 'repeated';
    if (!continues(db, version, proposal.prevHash)) return 'cas';
    const open = statement(
      db,
      `SELECT count(*) AS n, count(*) FILTER (WHERE proposed_by = ?) AS own FROM proposals WHERE state = 'open'`,
    ).get(proposal.proposedBy);
    if (Number(open?.['own']) >= proposal.pendingOfSigner) return 'full_of_signer';
    if (Number(open?.['n']) >= proposal.pendingMax) return 'full';
    forgetSettled(db);
    statement(db, 'INSERT OR IGNORE INTO payloads (payload_b3, body) VALUES (?, ?)').run(payloadHash, text);
    statement(
      db,
      `INSERT INTO proposals (payload_b3, version, kind, state, expires_at, proposed_by, changed_at)
       VALUES (?, ?, ?, 'open', ?, ?, ?)`,
    ).run(payloadHash, version, kind, expiresAt, proposal.proposedBy, audit.at);
    appendAudit(db, audit);
    return 'created';
  },

  approve(db: DatabaseSync, approval: NewApproval): Approved {
    const { payloadHash, signerId, body, sameSignature } = approval;
    const row = statement(db, 'SELECT state, kind FROM proposals WHERE payload_b3 = ?').get(payloadHash);
    if (isFrozen(db, String(row?.['kind']))) return 'frozen';
    if (!useNonce(db, approval)) return 'replayed';
    if (row?.['state'] !== 'open') return 'settled';
    const sql = 'SELECT body FROM approvals WHERE payload_b3 = ? AND signer_id = ?';
    const known = statement(db, sql).get(payloadHash, signerId)?.['body'] as string | undefined;
    if (known !== undefined) return known.includes(sameSignature) ? 'repeated' : 'conflict';
    statement(db, 'INSERT INTO approvals (payload_b3, signer_id, body) VALUES (?, ?, ?)').run(
      payloadHash,
      signerId,
      body,
    );
    appendAudit(db, approval.audit);
    return 'added';
  },

  /** The compare-and-swap of the head: one version, and everything that follows from it, or nothing. */
  append(db: DatabaseSync, entry: AppendEntry): Appended {
    const { version, prevHash, payloadHash, audit } = entry;
    if (isFrozen(db, entry.kind)) return { outcome: 'frozen' };
    if (!continues(db, version, prevHash)) return { outcome: 'cas' };
    if (!useNonce(db, entry)) return { outcome: 'replayed' };
    if (entry.lockedOutside) setFact(db, 'locked', 'true');
    insertEntry(db, entry);
    if (entry.signers !== undefined) insertSigners(db, version, entry.signers);
    signHead(db, version, entry.root);
    settle(db, payloadHash, 'committed', audit.at);
    const sql = `SELECT payload_b3 FROM proposals WHERE state = 'open'`;
    const left = statement(db, sql).all() as { readonly payload_b3: string }[];
    for (const { payload_b3: hash } of left) settle(db, hash, 'stale', audit.at);
    const stale = left.length;
    appendAudit(db, { ...audit, attrs: { ...audit.attrs, stale } });
    return { outcome: 'committed', stale };
  },

  freeze(db: DatabaseSync, request: Freeze): 'changed' | 'unchanged' | 'replayed' {
    if (!useNonce(db, request)) return 'replayed';
    const wanted = request.frozen ? 'true' : 'false';
    if ((fact(db, 'frozen') ?? 'false') === wanted) return 'unchanged';
    setFact(db, 'frozen', wanted);
    appendAudit(db, request.audit);
    return 'changed';
  },

  /** Records what is no change of the log: a refusal, a recovery. */
  note(db: DatabaseSync, audit: AuditFact): void {
    appendAudit(db, audit);
  },

  expire(db: DatabaseSync, audit: AuditFact): number {
    const { at } = audit;
    const sql = `SELECT payload_b3 FROM proposals WHERE state = 'open' AND expires_at <= ?`;
    const due = statement(db, sql).all(at) as { readonly payload_b3: string }[];
    for (const { payload_b3: subject } of due) {
      settle(db, subject, 'expired', at);
      appendAudit(db, { ...audit, subject });
    }
    return due.length;
  },

  /** One bounded step of compaction. Answers how many rows went. */
  compact(db: DatabaseSync, { now, settledBefore, auditKeep, rows }: Compaction): number {
    const due = statement(
      db,
      `SELECT payload_b3 FROM proposals WHERE state != 'open' AND changed_at < ? ORDER BY changed_at LIMIT ?`,
    ).all(settledBefore, rows) as { readonly payload_b3: string }[];
    for (const { payload_b3: hash } of due) forget(db, hash);
    // Long after they expired: a clock that is put back must not make one new.
    const nonces = statement(
      db,
      'DELETE FROM nonces WHERE nonce IN (SELECT nonce FROM nonces WHERE expires_at < ? ORDER BY expires_at LIMIT ?)',
    ).run(now - LIMITS.registry_auth_max_ms.value, rows).changes;
    const audits = statement(
      db,
      `DELETE FROM audit WHERE seq IN
         (SELECT seq FROM audit WHERE seq <= (SELECT max(seq) FROM audit) - ?1 ORDER BY seq LIMIT ?2)`,
    ).run(auditKeep, rows).changes;
    return due.length + Number(nonces) + Number(audits);
  },

  /** Entries of the log a replica follows. Those it has are passed over. */
  adopt(db: DatabaseSync, { entries }: { readonly entries: readonly AdoptedEntry[] }): number {
    for (const entry of entries) {
      const current = head(db);
      if (entry.version <= (current?.version ?? 0)) continue;
      if ((current?.version ?? 0) + 1 !== entry.version || (current?.entry_b3 ?? null) !== entry.prevHash) {
        throw new StoreCommandError('chain_mismatch', `version ${entry.version} does not continue this replica`);
      }
      const sql = 'INSERT OR IGNORE INTO payloads (payload_b3, body) VALUES (?, ?)';
      statement(db, sql).run(entry.payloadHash, entry.payload);
      insertEntry(db, entry);
      if (entry.signers !== undefined) insertSigners(db, entry.version, entry.signers);
    }
    return head(db)?.version ?? 0;
  },

  /** What this node has witnessed of another log: checked and remembered in one step (C2SP tlog-witness). */
  witness(
    db: DatabaseSync,
    { origin, oldSize, size, root }: WitnessedHead,
  ): { readonly known: number; readonly ok: boolean } {
    const row = statement(db, 'SELECT size, root FROM witnessed WHERE origin = ?').get(origin);
    const known = Number(row?.['size'] ?? 0);
    const forked = known === size && row !== undefined && !Buffer.from(row['root'] as Uint8Array).equals(root);
    if (known !== oldSize || forked) return { known, ok: false };
    statement(db, 'INSERT OR REPLACE INTO witnessed (origin, size, root) VALUES (?, ?, ?)').run(origin, size, root);
    return { known, ok: true };
  },
};
