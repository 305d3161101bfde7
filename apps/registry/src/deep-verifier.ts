import { setImmediate } from 'node:timers/promises';
import { canonicalJson, hashBytes } from '@macronode/content';
import { RegistryAuditRecord, RegistryLeaf, RegistryPayload } from '@macronode/contracts';
import { incomingSet, leafHash, quorumOf, signerIn, type SignerSet, verifyApproval } from '@macronode/log';
import type { Logger } from '@macronode/service';
import type { LogService } from './log.service.ts';
import type { StoredEntry } from './log.store.ts';
import type { RegistryMetrics } from './metrics.ts';

/** Entries looked at in one turn of the event loop: about two milliseconds. */
const ENTRIES_A_TURN = 4;
const AUDIT_PAGE = 64;

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
    const { store, head } = this.#log;
    let prev: string | null = null;
    let set = store.signerSet(0);
    let seen = 0;
    for (const entry of store.entries(0, head.version)) {
      if (this.#stopped) return;
      const fault = entryFault(entry, prev, set, this.#log.tree.tile(0, Math.floor(seen / 256), (seen % 256) + 1));
      if (fault !== undefined) this.#fail('entry', { version: entry.version, fault });
      prev = entry.entryHash;
      const incoming = incomingSet(RegistryPayload.parse(JSON.parse(entry.payload)));
      if (incoming !== undefined) set = incoming;
      seen += 1;
      if (seen % ENTRIES_A_TURN === 0) await setImmediate();
    }
    if (seen !== head.version) this.#fail('entry', { version: seen + 1, fault: 'missing' });
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

/** What is wrong with an entry; undefined when nothing is. */
function entryFault(
  { version, leaf: leafText, entryHash, payload: payloadText }: StoredEntry,
  prev: string | null,
  set: SignerSet | undefined,
  tile: Uint8Array | undefined,
): string | undefined {
  const leaf = RegistryLeaf.parse(JSON.parse(leafText));
  if (hashBytes(Buffer.from(leafText)) !== entryHash) return 'entry hash';
  const inTree = tile?.subarray(-32);
  if (inTree === undefined || !Buffer.from(inTree).equals(leafHash(Buffer.from(leafText)))) return 'leaf hash';
  if (hashBytes(Buffer.from(payloadText)) !== leaf.payload_b3) return 'payload hash';
  if (leaf.version !== version || leaf.prev_hash !== prev) return 'chain';
  const payload = RegistryPayload.parse(JSON.parse(payloadText));
  if (set === undefined || leaf.signer_set_version !== set.version) return 'signer set';
  const incoming = incomingSet(payload);
  const known = leaf.approvals.every((approval) =>
    [set, incoming].some((one) => {
      const signer = one && signerIn(one, approval.signer_id);
      return signer !== undefined && verifyApproval(signer, leaf.payload_b3, approval);
    }),
  );
  if (!known) return 'approval';
  return quorumOf(set, incoming, leaf.approvals).met ? undefined : 'quorum';
}
