import type { DatabaseSync, StatementSync } from 'node:sqlite';

/**
 * A command: the only way to change a store. It runs inside the batch's transaction, under its own savepoint, on the
 * writer's thread; it is synchronous, and throwing undoes this command alone.
 *
 * Input and result are plain data (see `plainData`): they cross a thread in the durable driver.
 */
export type Command = (db: DatabaseSync, input: never) => unknown;

export type Commands = Readonly<Record<string, Command>>;

export type CommandName<C extends Commands> = keyof C & string;

export type CommandInput<F extends Command> = F extends (db: DatabaseSync, input: infer I) => unknown ? I : never;

/**
 * What a commands module exports. The writer's thread imports it by URL, so it must be erasable TypeScript and have no
 * effect on import.
 */
export interface CommandsModule {
  /** Statement `i` takes the schema from version `i` to `i + 1`. Append only: a released line never changes. */
  readonly migrations: readonly string[];
  readonly commands: Commands;
}

/**
 * The URL of a module beside this one, with the extension of the running code: `.ts` from source, `.js` once built.
 *
 * @example openStore({ module: siblingModule('./name.commands', import.meta.url), ... })
 */
export function siblingModule(path: string, importMetaUrl: string): URL {
  return new URL(`${path}${importMetaUrl.endsWith('.ts') ? '.ts' : '.js'}`, importMetaUrl);
}

const cache = new WeakMap<DatabaseSync, Map<string, StatementSync>>();

/**
 * The prepared statement of a connection for this text, prepared once. Use it in commands and with `store.reader`.
 * The text must be constant: there is one entry per text for as long as the connection lives.
 */
export function statement(db: DatabaseSync, sql: string): StatementSync {
  let statements = cache.get(db);
  if (statements === undefined) {
    statements = new Map();
    cache.set(db, statements);
  }
  let prepared = statements.get(sql);
  if (prepared === undefined) {
    prepared = db.prepare(sql);
    statements.set(sql, prepared);
  }
  return prepared;
}
