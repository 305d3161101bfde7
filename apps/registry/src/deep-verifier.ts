import { setImmediate } from 'node:timers/promises';
import { canonicalJson, hashBytes } from '@macronode/content';
import { RegistryAuditRecord } from '@macronode/contracts';
import { leafHash } from '@macronode/log';
import type { Logger } from '@macronode/service';
import { judgeEntry, type Place } from './entry-judge.ts';
import type { LogService } from './log.service.ts';
import type { RegistryMetrics } from './metrics.ts';

/** Entries looked at in one turn of the event loop: about two milliseconds. */
const ENTRIES_A_TURN = 4;
const AUDIT_PAGE = 64;
const TILE_WIDTH = 256;
const HASH_BYTES = 32;

const isLeafHash = (hash: Uint8Array | undefined, leaf: string): boolean =>
  hash !== undefined && Buffer.from(hash).equals(leafHash(Buffer.from(leaf)));

/**
 * Reads the whole log again behind the requests: each hash, each link, each signature, each quorum, and the audit chain.
 * A log opens on what was signed last; this is how damage further back shows.
 */
export class DeepVerifier {
  readonly #log: LogService;
  readonly #metrics: RegistryMetrics;
  readonly #logger: Logger;
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

  async run(): Promise<void> {
    const started = performance.now();
    await this.#entries();
    await this.#audit();
    if (!this.#stopped) this.#metrics.auditVerify.set((performance.now() - started) / 1_000);
  }

  async #entries(): Promise<void> {
    const { store, head, tree } = this.#log;
    let place: Place = { version: 1, prevHash: null, set: store.signerSet(0) };
    for (const entry of store.entries(0, head.version)) {
      if (this.#stopped) return;
      const at = entry.version - 1;
      const verdict = judgeEntry(entry, place);
      const inTree = tree.tile(0, Math.floor(at / TILE_WIDTH), (at % TILE_WIDTH) + 1)?.subarray(-HASH_BYTES);
      const fault = verdict.fault ?? (isLeafHash(inTree, entry.leaf) ? undefined : 'leaf hash');
      if (fault !== undefined) this.#fail('entry', { version: place.version, fault });
      const incoming = verdict.fault === undefined ? verdict.incoming : undefined;
      place = { version: entry.version + 1, prevHash: entry.entryHash, set: incoming ?? place.set };
      if (entry.version % ENTRIES_A_TURN === 0) await setImmediate();
    }
    if (place.version <= head.version) this.#fail('entry', { version: place.version, fault: 'missing' });
  }

  async #audit(): Promise<void> {
    let after = 0;
    let prev: string | undefined;
    for (;;) {
      const page = this.#log.store.auditRecords(after, AUDIT_PAGE);
      if (page.length === 0 || this.#stopped) return;
      for (const text of page) {
        const { self_hash, ...body } = RegistryAuditRecord.parse(JSON.parse(text));
        const linked = prev === undefined || (body.prev === prev && body.seq === after + 1);
        if (!linked || hashBytes(Buffer.from(canonicalJson(body))) !== self_hash) {
          this.#fail('audit', { seq: body.seq });
        }
        prev = self_hash;
        after = body.seq;
      }
      await setImmediate();
    }
  }

  #fail(what: 'entry' | 'audit', where: Readonly<Record<string, unknown>>): void {
    this.#ok = false;
    this.#metrics.auditFailed.inc({ what });
    this.#logger.error({ what, ...where }, 'the log does not verify: stop writing and find out what changed it');
  }
}
