import { canonicalJson } from '@macronode/content';
import { leafHash, type SignerSet, TILE_WIDTH } from '@macronode/log';
import type { Logger } from '@macronode/service';
import { AuditWalk, type Versions } from './audit-walk.ts';
import { type EntryVerdict, judgeEntry, type Place, placeAfter } from './entry-judge.ts';
import { EventLoopTurn } from './event-loop-turn.ts';
import { readKeptGenesis } from './kept-genesis.ts';
import type { LogService } from './log.service.ts';
import type { StoredEntry } from './log.store.ts';
import type { RegistryMetrics } from './metrics.ts';

const AUDIT_PAGE = 64;

/** Whether a tile of hashes ends in that of the leaf. */
function endsInLeaf(tile: Uint8Array | undefined, leaf: string): boolean {
  const hash = leafHash(Buffer.from(leaf));
  return tile !== undefined && Buffer.from(tile.subarray(-hash.length)).equals(hash);
}

const textOf = ({ m, k_pq, signers }: SignerSet): string => canonicalJson({ m, k_pq, signers });

/**
 * Reads the whole log again behind the requests: each hash, each link, each signature, each quorum, the signer sets as
 * they are stored, and the audit chain. A log opens on what was signed last; this is how damage further back shows.
 */
export class DeepVerifier {
  readonly #log: LogService;
  readonly #metrics: RegistryMetrics;
  readonly #logger: Logger;
  readonly #turn = new EventLoopTurn();
  /** The signer sets the log had, by the genesis and by its entries. */
  readonly #sets = new Map<number, SignerSet>();
  #stopped = false;
  #ok = true;

  constructor(log: LogService, metrics: RegistryMetrics, logger: Logger) {
    this.#log = log;
    this.#metrics = metrics;
    this.#logger = logger;
  }

  /** False once something did not verify. */
  get ok(): boolean {
    return this.#ok;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** What cannot even be read is damage like any other: this does not reject. */
  async run(): Promise<void> {
    const started = performance.now();
    await this.#part('entry', () => this.#genesis());
    await this.#part('entry', () => this.#entries());
    await this.#part('entry', () => this.#signerSets());
    await this.#part('audit', () => this.#audit());
    if (!this.#stopped) this.#metrics.auditVerify.set((performance.now() - started) / 1_000);
  }

  async #part(what: 'entry' | 'audit', verify: () => Promise<void> | void): Promise<void> {
    try {
      await verify();
    } catch (err) {
      this.#fail(what, { err, fault: 'unreadable' });
    }
  }

  #genesis(): void {
    const text = this.#log.store.genesis();
    if (text !== undefined) this.#sets.set(0, { ...readKeptGenesis(text).set, version: 0 });
  }

  async #entries(): Promise<void> {
    const { store, head } = this.#log;
    // By the genesis: a row that was changed shows as itself, and not as entries that nobody had a right to approve.
    const set = this.#sets.get(0) ?? store.signerSet(0);
    let place: Place = { log: store.logName() ?? '', version: 1, prevHash: null, set, sealed: false };
    for (const entry of store.entries(0, head.version)) {
      if (this.#stopped) return;
      const verdict = this.#judge(entry, place);
      if (verdict.fault !== undefined) this.#fail('entry', { version: place.version, fault: verdict.fault });
      else if (verdict.incoming !== undefined) this.#sets.set(entry.version, verdict.incoming);
      place = placeAfter(place, entry, verdict);
      await this.#turn.giveWay();
    }
    if (place.version <= head.version) this.#fail('entry', { version: place.version, fault: 'missing' });
  }

  #judge(entry: StoredEntry, place: Place): EntryVerdict {
    const at = entry.version - 1;
    try {
      const verdict = judgeEntry(entry, place);
      if (verdict.fault !== undefined) return verdict;
      const upTo = this.#log.tree.tile(0, Math.floor(at / TILE_WIDTH), (at % TILE_WIDTH) + 1);
      return endsInLeaf(upTo, entry.leaf) ? verdict : { fault: 'leaf hash' };
    } catch (error) {
      return { fault: `unreadable: ${String(error)}` };
    }
  }

  /** Each row is the set of its entry, and there is no other row: a start takes from them who may approve. */
  async #signerSets(): Promise<void> {
    const versions = [...this.#sets.keys()].sort((a, b) => a - b);
    for (const [at, version] of versions.entries()) {
      if (this.#stopped) return;
      await this.#part('entry', () => {
        if (!this.#isStored(version, versions[at + 1])) this.#fail('entry', { version, fault: 'stored signers' });
      });
      await this.#turn.giveWay();
    }
  }

  #isStored(version: number, next: number | undefined): boolean {
    const { store } = this.#log;
    const set = this.#sets.get(version);
    const row = store.signerSet(version);
    if (row === undefined || set === undefined || row.version !== version) return false;
    if (textOf(row) !== textOf(set)) return false;
    const last = store.signerSet((next ?? Number.MAX_SAFE_INTEGER) - 1)?.version ?? version;
    // After the last one there may be a rotation that came meanwhile.
    return last === version || (next === undefined && (store.head()?.version ?? 0) >= last && this.#rotates(last));
  }

  #rotates(version: number): boolean {
    const entry = this.#log.store.entry(version);
    return entry !== undefined && (JSON.parse(entry.leaf) as { readonly kind?: unknown }).kind === 'signers';
  }

  async #audit(): Promise<void> {
    const { store, head } = this.#log;
    const walk = new AuditWalk((payloadHash) => store.versionOf(payloadHash));
    while (!this.#stopped) {
      const page = store.auditRecords(walk.seq, AUDIT_PAGE);
      if (page.length === 0) break;
      // Read after the page: the oldest go first, so while the last one is here all that follow it were.
      const kept = walk.last === undefined || store.auditRecords(walk.seq - 1, 1)[0] === walk.last;
      if (!kept) walk.beginAgain();
      // What has no number that can be read would be read for ever.
      if (!(await this.#page(page, walk))) return;
    }
    if (this.#stopped) return;
    if (walk.last === undefined && store.genesis() !== undefined) this.#fail('audit', { fault: 'missing' });
    await this.#unrecorded(walk.rest(head.version));
  }

  /** False when no record of it can be read. */
  async #page(page: readonly string[], walk: AuditWalk): Promise<boolean> {
    let readable = false;
    for (const text of page) {
      const { fault, skipped } = walk.take(text);
      readable ||= fault !== 'form';
      if (fault !== undefined) this.#fail('audit', { seq: walk.seq, fault });
      if (skipped !== undefined) await this.#unrecorded(skipped);
      await this.#turn.giveWay();
    }
    return readable;
  }

  /** Of none of these a commit is recorded: so this log must not have signed one. It has no root of what it adopted. */
  async #unrecorded({ from, to }: Versions): Promise<void> {
    for (let version = from; version < to && !this.#stopped; version += 1) {
      if (this.#log.store.signedRoot(version) !== undefined)
        this.#fail('audit', { version, fault: 'no commit record' });
      await this.#turn.giveWay();
    }
  }

  #fail(what: 'entry' | 'audit', where: Readonly<Record<string, unknown>>): void {
    this.#ok = false;
    this.#metrics.auditFailed.inc({ what });
    this.#logger.error({ what, ...where }, 'the log does not verify: stop writing and find out what changed it');
  }
}
