import type { DatabaseSync } from 'node:sqlite';
import { statement } from './command.ts';
import { StoreCommandError } from './errors.ts';

/** The schema and commands the conformance suite and the crash tests run. */
export const migrations: readonly string[] = [
  'CREATE TABLE item (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT',
  'ALTER TABLE item ADD COLUMN version INTEGER NOT NULL DEFAULT 1',
];

export const commands = {
  put(db: DatabaseSync, input: { key: string; value: Uint8Array }): { version: number } {
    const row = statement(
      db,
      `INSERT INTO item (key, value) VALUES (?, ?)
       ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = version + 1 RETURNING version`,
    ).get(input.key, input.value);
    return { version: Number(row?.['version']) };
  },

  insert(db: DatabaseSync, input: { key: string }): void {
    statement(db, 'INSERT INTO item (key, value) VALUES (?, ?)').run(input.key, new Uint8Array(1));
  },

  putThenRefuse(db: DatabaseSync, input: { key: string }): void {
    commands.insert(db, input);
    throw new StoreCommandError('stale', 'the sequence is not above the stored one', {
      current: 7,
      bytes: new Uint8Array([1, 2]),
    });
  },

  failPlainly(_db: DatabaseSync, input: { message: string }): void {
    throw Object.assign(new Error(input.message), { code: 'odd', seq: 3, notPlain: () => 1 });
  },

  get(db: DatabaseSync, input: { key: string }): Uint8Array | undefined {
    return statement(db, 'SELECT value FROM item WHERE key = ?').get(input.key)?.['value'] as Uint8Array | undefined;
  },

  answerFunction(): unknown {
    return { run: () => 1 };
  },

  endTransaction(db: DatabaseSync): void {
    db.exec('COMMIT');
  },
};
