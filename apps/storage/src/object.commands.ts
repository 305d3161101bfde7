import type { DatabaseSync } from 'node:sqlite';
import { statement } from '@macronode/store';

export const migrations: readonly string[] = [
  `CREATE TABLE object (
     id BLOB PRIMARY KEY,
     size INTEGER NOT NULL,
     created_at INTEGER NOT NULL,
     inline BLOB,
     chunks BLOB NOT NULL
   ) STRICT;
   CREATE INDEX object_in_file ON object (id) WHERE inline IS NULL;`,
];

export interface ObjectRow {
  readonly id: Uint8Array;
  readonly size: number;
  readonly createdAt: number;
  /** The bytes of a small object; null when they are a file. */
  readonly inline: Uint8Array | null;
  readonly chunks: Uint8Array;
}

export const commands = {
  put(db: DatabaseSync, row: ObjectRow): { created: boolean } {
    const insert = statement(
      db,
      `INSERT INTO object (id, size, created_at, inline, chunks) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    );
    return { created: insert.run(row.id, row.size, row.createdAt, row.inline, row.chunks).changes === 1 };
  },

  drop(db: DatabaseSync, input: { id: Uint8Array }): { dropped: boolean } {
    return { dropped: statement(db, 'DELETE FROM object WHERE id = ?').run(input.id).changes === 1 };
  },
};
