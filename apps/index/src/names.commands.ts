import type { DatabaseSync } from 'node:sqlite';
import { statement } from '@macronode/store';
import type { NameOutcome, NameWrite } from './name.store.ts';

export const migrations: readonly string[] = [
  `CREATE TABLE names (
     name TEXT PRIMARY KEY,
     seq INTEGER NOT NULL,
     owner TEXT NOT NULL,
     body TEXT NOT NULL,
     etag TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE name_history (
     name TEXT NOT NULL,
     seq INTEGER NOT NULL,
     body TEXT NOT NULL,
     etag TEXT NOT NULL,
     stored_at INTEGER NOT NULL,
     PRIMARY KEY (name, seq)
   ) STRICT, WITHOUT ROWID;`,
];

interface Current {
  readonly seq: number;
  readonly owner: string;
  readonly etag: string;
}

function refusal(write: NameWrite, current: Current | undefined): NameOutcome | undefined {
  const refuse = (outcome: 'not_owner' | 'precondition_failed' | 'stale_seq' | 'raced'): NameOutcome => ({
    outcome,
    current: current?.seq ?? 0,
  });
  if (current !== undefined && current.owner !== write.owner) return refuse('not_owner');
  if (current !== undefined && write.mustBeNew) return refuse('precondition_failed');
  // A repeat of what is stored has already been done: RFC 9110, 13.1.1 lets If-Match pass then.
  if (current?.etag === write.etag) return { outcome: 'unchanged' };
  if (write.ifMatch !== undefined) {
    const matches = current !== undefined && (write.ifMatch === '*' || write.ifMatch.includes(current.etag));
    if (!matches) return refuse('precondition_failed');
  }
  if (write.expected !== undefined && (current?.etag ?? null) !== write.expected) return refuse('raced');
  if (current !== undefined && write.seq <= current.seq) return refuse('stale_seq');
  return undefined;
}

export const commands = {
  put(db: DatabaseSync, write: NameWrite): NameOutcome {
    const { name, seq, owner, body, etag } = write;
    const current = statement(db, 'SELECT seq, owner, etag FROM names WHERE name = ?').get(name) as Current | undefined;
    const refused = refusal(write, current);
    if (refused !== undefined) return refused;
    statement(db, 'INSERT OR REPLACE INTO names (name, seq, owner, body, etag) VALUES (?, ?, ?, ?, ?)').run(
      name,
      seq,
      owner,
      body,
      etag,
    );
    statement(db, 'INSERT INTO name_history (name, seq, body, etag, stored_at) VALUES (?, ?, ?, ?, ?)').run(
      name,
      seq,
      body,
      etag,
      write.storedAt,
    );
    statement(
      db,
      `DELETE FROM name_history WHERE name = ?1 AND seq <=
         (SELECT seq FROM name_history WHERE name = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)`,
    ).run(name, write.historyMax);
    return { outcome: current === undefined ? 'created' : 'updated' };
  },
};
