import type { MetricsScope } from '@macronode/metrics';
import { openStore, siblingModule, statement } from '@macronode/store';
import type { Store } from '@macronode/store';
import { NameStore } from './name.store.ts';
import type { NameOutcome, NameWrite, PastName, StoredName } from './name.store.ts';
import type { commands } from './names.commands.ts';

export interface NameStoreOptions {
  readonly location: { readonly file: string } | 'memory';
  readonly metrics: MetricsScope;
}

/** Names in the embedded store: a file, or memory when the node keeps nothing. */
export class SqliteNameStore extends NameStore {
  readonly #store: Store<typeof commands>;
  #count: number;

  private constructor(store: Store<typeof commands>) {
    super();
    this.#store = store;
    this.#count = Number(store.reader.prepare('SELECT count(*) AS n FROM names').get()?.['n']);
  }

  static async open({ location, metrics }: NameStoreOptions): Promise<SqliteNameStore> {
    const module = siblingModule('./names.commands', import.meta.url);
    return new SqliteNameStore(await openStore<typeof commands>({ location, module, metrics }));
  }

  override get(name: string): Promise<StoredName | undefined> {
    const sql = 'SELECT name, seq, owner, body, etag FROM names WHERE name = ?';
    const row = statement(this.#store.reader, sql).get(name);
    return Promise.resolve(row as StoredName | undefined);
  }

  override async put(write: NameWrite): Promise<NameOutcome> {
    const result = await this.#store.write('put', write);
    if (result.outcome === 'created') this.#count += 1;
    return result;
  }

  override history(name: string, limit: number): Promise<readonly PastName[]> {
    const sql =
      'SELECT seq, body, etag, stored_at AS storedAt FROM name_history WHERE name = ? ORDER BY seq DESC LIMIT ?';
    const rows: unknown = statement(this.#store.reader, sql).all(name, limit);
    return Promise.resolve(rows as PastName[]);
  }

  override count(): number {
    return this.#count;
  }

  override get writable(): boolean {
    return this.#store.fatal === undefined;
  }

  override close(): Promise<void> {
    return this.#store.close();
  }
}
