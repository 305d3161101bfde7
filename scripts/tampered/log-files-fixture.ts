import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { canonicalJson, hashBytes } from '@macronode/content';
import type { RegistryApproval, RegistryPayload } from '@macronode/contracts';
import { canonicalPayload, HashTree, leafHash, makeLeaf } from '@macronode/log';

/** A leaf or a payload as it is stored: whoever changes one need not keep to its schema. */
export type Stored = Readonly<Record<string, unknown>>;
type Change = (stored: Stored) => Stored;

const b3 = (text: string): string => hashBytes(Buffer.from(text));

/** The data of a registry that is stopped, in the hands of somebody who may write all of it and signs for nobody. */
export class LogFiles implements Disposable {
  readonly folder: string;
  readonly #db: DatabaseSync;

  constructor(folder: string) {
    this.folder = folder;
    this.#db = new DatabaseSync(this.database);
  }

  get database(): string {
    return join(this.folder, 'registry.db');
  }
  get lock(): string {
    return join(this.folder, 'lock', 'signed-heads');
  }

  sql(text: string, ...values: SQLInputValue[]): void {
    const { changes } = this.#db.prepare(text).run(...values);
    if (changes === 0) throw new Error(`nothing was changed by ${text}`);
  }

  #text(text: string, version: number): string {
    const [value] = Object.values(this.#db.prepare(text).get(version) ?? {});
    if (typeof value !== 'string') throw new Error(`there is no version ${version}`);
    return value;
  }

  leafOf(version: number): Stored {
    return JSON.parse(this.#text('SELECT leaf FROM entries WHERE version = ?', version)) as Stored;
  }

  hashOf(version: number): string {
    return this.#text('SELECT entry_b3 FROM entries WHERE version = ?', version);
  }

  /** Only the text of a leaf: the hashes of it stay. */
  leaf(version: number, change: Change): void {
    this.sql('UPDATE entries SET leaf = ? WHERE version = ?', canonicalJson(change(this.leafOf(version))), version);
  }

  /** A leaf and the hash it goes by. */
  entry(version: number, change: Change): void {
    this.leaf(version, change);
    this.spell(version, (leaf) => leaf);
  }

  /** The spelling of a leaf, and the hash it goes by. */
  spell(version: number, change: (leaf: string) => string): void {
    const leaf = change(this.#text('SELECT leaf FROM entries WHERE version = ?', version));
    this.sql('UPDATE entries SET leaf = ?, entry_b3 = ? WHERE version = ?', leaf, b3(leaf), version);
  }

  /** A payload and every hash that names it. */
  payload(version: number, change: Change): void {
    const from = 'FROM entries JOIN payloads USING (payload_b3) WHERE version = ?';
    const body = canonicalJson(change(JSON.parse(this.#text(`SELECT body ${from}`, version)) as Stored));
    const old = this.#text(`SELECT payload_b3 ${from}`, version);
    const hash = b3(body);
    this.sql('UPDATE payloads SET body = ?, payload_b3 = ? WHERE payload_b3 = ?', body, hash, old);
    this.sql('UPDATE entries SET payload_b3 = ? WHERE version = ?', hash, version);
    this.entry(version, (leaf) => ({ ...leaf, payload_b3: hash, payload_size: Buffer.byteLength(body) }));
  }

  /** Puts an entry after the newest. */
  append(payload: RegistryPayload, approvalsOf: (payloadHash: string) => readonly RegistryApproval[]): void {
    const canonical = canonicalPayload(payload);
    const { text, hash } = makeLeaf(payload, canonical, [...approvalsOf(canonical.hash)], new Date());
    this.sql('INSERT INTO payloads (payload_b3, body) VALUES (?, ?)', canonical.hash, canonical.text);
    this.sql(
      // As the registry counts them: with those of all entries before.
      `INSERT INTO entries (version, leaf, entry_b3, leaf_hash, payload_b3, descriptors)
       VALUES (?1, ?2, ?3, ?4, ?5,
         coalesce((SELECT descriptors FROM entries WHERE version = ?1 - 1), 0) +
         coalesce((SELECT json_array_length(body, '$.items') FROM payloads WHERE payload_b3 = ?5), 0))`,
      ...[payload.version, text, hash, leafHash(Buffer.from(text)), canonical.hash],
    );
  }

  /** Makes all that a start looks at agree with the entries: the hashes of the tree, the signed roots, the lock. */
  agree(): void {
    const tree = new HashTree();
    for (const { version, leaf } of this.#db.prepare('SELECT version, leaf FROM entries ORDER BY version').all()) {
      const hash = leafHash(Buffer.from(leaf as string));
      this.sql('UPDATE entries SET leaf_hash = ? WHERE version = ?', hash, version as number);
      tree.append(hash);
    }
    this.forgetSigned();
    writeFileSync(this.lock, `${tree.size} ${Buffer.from(tree.root()).toString('hex')}\n`);
  }

  /** Makes a start sign what it finds. */
  forgetSigned(): void {
    this.#db.exec('DELETE FROM signed_heads');
    writeFileSync(this.lock, '');
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}
