import { DatabaseSync } from 'node:sqlite';
import { type Commands, type CommandsModule, statement } from './command.ts';
import { StoreBusy, StoreCommandError, StoreFatal, StoreFull } from './errors.ts';
import { plainData } from './plain-data.ts';

/** Versions before it can corrupt a WAL under two connections (the WAL-reset race of 3.7.0 to 3.51.2). */
const SQLITE_MIN = [3, 51, 3] as const;

/** What the WAL file is cut back to when it starts over. */
const JOURNAL_SIZE_LIMIT_BYTES = 32 * 1024 * 1024;

/** How long a lock held by another process is waited for. */
const BUSY_TIMEOUT_MS = 2_000;

/** Primary result codes after which the medium is not to be trusted (sqlite.org/rescode.html). */
const FATAL_CODES: ReadonlySet<number> = new Set([2, 3, 7, 8, 10, 11, 14, 15, 26]);
const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_FULL = 13;
const SQLITE_CONSTRAINT = 19;

export interface BatchItem {
  readonly command: string;
  readonly input: unknown;
}

/** A refusal in a form that crosses a thread. */
export interface CommandFailure {
  readonly code: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export type CommandOutcome =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly failure: CommandFailure };

export interface BatchReply {
  readonly outcomes: readonly CommandOutcome[];
  /** From BEGIN to the return of COMMIT, fsync included. */
  readonly commitSeconds: number;
}

/** The result code of an error of node:sqlite, without its extension; undefined for any other error. */
function primaryCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return error.errcode & 0xff;
}

/** Whether an error of node:sqlite says that another connection holds the lock. */
export function isLocked(error: unknown): boolean {
  const code = primaryCode(error);
  return code === SQLITE_BUSY || code === SQLITE_LOCKED;
}

/** The failure of a whole batch, as the error its callers get; undefined when only the command is to blame. */
function batchFailure(error: unknown): StoreBusy | StoreFull | StoreFatal | undefined {
  if (error instanceof StoreFatal) return error;
  const code = primaryCode(error);
  if (code === undefined) return undefined;
  const message = error instanceof Error ? error.message : String(error);
  if (code === SQLITE_FULL) return new StoreFull(message);
  if (isLocked(error)) return new StoreBusy('lock');
  if (FATAL_CODES.has(code)) return new StoreFatal(message, { cause: error });
  return undefined;
}

const plainFields = (error: Error): Record<string, unknown> => {
  const fields: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(error)) {
    if (key === 'name' || key === 'code' || key === 'message' || key === 'stack' || key === 'cause') continue;
    try {
      fields[key] = plainData(value).value;
    } catch {
      // A field that cannot cross a thread stays behind; code and message still arrive.
    }
  }
  return fields;
};

function commandFailure(error: unknown): CommandFailure {
  if (error instanceof Error && error.name === 'StoreCommandError' && 'details' in error && 'code' in error) {
    const { details } = plainFields(error);
    return { code: String(error.code), message: error.message, details: (details ?? {}) as CommandFailure['details'] };
  }
  if (!(error instanceof Error)) return { code: 'internal', message: String(error), details: {} };
  const sqlite = primaryCode(error);
  if (sqlite !== undefined) {
    const code = sqlite === SQLITE_CONSTRAINT ? 'constraint' : 'internal';
    return { code, message: error.message, details: plainFields(error) };
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'internal';
  return { code, message: error.message, details: plainFields(error) };
}

export const toCommandError = (failure: CommandFailure): StoreCommandError =>
  new StoreCommandError(failure.code, failure.message, failure.details);

function assertVersion(db: DatabaseSync): void {
  const version = String(db.prepare('SELECT sqlite_version() AS v').get()?.['v']);
  const parts = version.split('.').map(Number);
  for (const [index, least] of SQLITE_MIN.entries()) {
    const part = parts[index] ?? 0;
    if (part > least) return;
    if (part < least) throw new StoreFatal(`SQLite ${version} is older than ${SQLITE_MIN.join('.')}`);
  }
}

function migrate(db: DatabaseSync, migrations: readonly string[]): void {
  const current = Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
  if (current > migrations.length) {
    throw new StoreFatal(`the store has schema ${current}, this program knows up to ${migrations.length}`);
  }
  for (const [offset, sql] of migrations.slice(current).entries()) {
    db.exec('BEGIN IMMEDIATE');
    try {
      db.exec(sql);
      db.exec(`PRAGMA user_version = ${current + offset + 1}`);
      db.exec('COMMIT');
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      throw error;
    }
  }
}

/** The connection that writes: settings checked, schema migrated. `file` is undefined for a store in memory. */
function openWriter(file: string | undefined, migrations: readonly string[]): DatabaseSync {
  const db = new DatabaseSync(file ?? ':memory:', { timeout: BUSY_TIMEOUT_MS });
  try {
    assertVersion(db);
    if (file !== undefined) {
      const mode = String(db.prepare('PRAGMA journal_mode = WAL').get()?.['journal_mode']);
      if (mode !== 'wal') throw new StoreFatal(`the store wants journal mode wal, got ${mode}`);
      // FULL, because in WAL mode NORMAL does not fsync per commit: it survives a kill, not a power cut.
      db.exec(`PRAGMA synchronous = FULL; PRAGMA journal_size_limit = ${JOURNAL_SIZE_LIMIT_BYTES};
               PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = MEMORY;`);
    }
    migrate(db, migrations);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** A read-only connection for the thread of the callers. */
export const openReader = (file: string): DatabaseSync =>
  new DatabaseSync(file, { readOnly: true, timeout: BUSY_TIMEOUT_MS });

/**
 * Runs batches on one connection: one transaction, one savepoint per command, one COMMIT. Both drivers use it, the
 * durable one on the writer's thread.
 */
export class Engine {
  readonly db: DatabaseSync;
  readonly #commands: Commands;

  constructor(file: string | undefined, module: CommandsModule) {
    this.#commands = module.commands;
    this.db = openWriter(file, module.migrations);
  }

  /** @throws StoreBusy, StoreFull or StoreFatal: then nothing of the batch is acknowledged. */
  run(items: readonly BatchItem[]): BatchReply {
    const started = performance.now();
    try {
      statement(this.db, 'BEGIN IMMEDIATE').run();
      const outcomes = items.map((item) => this.#runCommand(item));
      statement(this.db, 'COMMIT').run();
      return { outcomes, commitSeconds: (performance.now() - started) / 1000 };
    } catch (error) {
      this.#rollBack();
      throw batchFailure(error) ?? new StoreFatal('the store failed outside a command', { cause: error });
    }
  }

  #runCommand({ command, input }: BatchItem): CommandOutcome {
    const run = Object.hasOwn(this.#commands, command) ? this.#commands[command] : undefined;
    if (run === undefined) {
      return { ok: false, failure: { code: 'internal', message: `no command ${command}`, details: {} } };
    }
    statement(this.db, 'SAVEPOINT command').run();
    let outcome: CommandOutcome;
    try {
      outcome = { ok: true, value: plainData(run(this.db, input as never)).value };
    } catch (error) {
      const failure = batchFailure(error);
      if (failure !== undefined) throw failure;
      outcome = { ok: false, failure: commandFailure(error) };
    }
    // A command that ended the transaction took its neighbours with it: nothing is known about them any more.
    if (!this.db.isTransaction) throw new StoreFatal(`the command ${command} ended the transaction of its batch`);
    if (!outcome.ok) statement(this.db, 'ROLLBACK TO command').run();
    statement(this.db, 'RELEASE command').run();
    return outcome;
  }

  #rollBack(): void {
    try {
      if (this.db.isTransaction) this.db.exec('ROLLBACK');
    } catch {
      // The error that led here is the one to report; SQLite rolls back when the file is opened again.
    }
  }

  /** Moves committed pages into the database file without waiting for readers. @throws StoreFatal on an I/O error. */
  checkpoint(): void {
    try {
      this.db.prepare('PRAGMA wal_checkpoint(PASSIVE)').get();
    } catch (error) {
      const failure = batchFailure(error);
      if (failure instanceof StoreFatal) throw failure;
    }
  }

  close(): void {
    this.db.close();
  }
}
