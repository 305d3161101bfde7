// A log of many versions on disk in seconds: the very commands of the registry's store, without HTTP in between.
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson } from '@macronode/content';
import { REGISTRY_SCHEMA_VERSION, type RegistryPayload } from '@macronode/contracts';
import { approve, canonicalPayload, HashTree, leafHash, makeLeaf } from '@macronode/log';
import { MetricsRegistry } from '@macronode/metrics';
import { FileHeadLock } from '../../../apps/registry/src/head-lock.ts';
import type { AuditFact } from '../../../apps/registry/src/log.store.ts';
import { SqliteLogStore } from '../../../apps/registry/src/sqlite-log.store.ts';
import type { SignerGroup } from '../../rig/registry-signers.ts';

/** Versions whose commands wait for a batch at once: far below what a store lets wait. */
const VERSIONS_AT_ONCE = 500;
const PROPOSAL_MS = 3_600_000;
const WRITER = 'bench';

/** What a commit leaves in the store: proposal, approvals, entry, root, nonces, audit records. */
class Growth {
  readonly #store: SqliteLogStore;
  readonly #group: SignerGroup;
  readonly #tree = new HashTree();
  #prev: string | null = null;

  constructor(store: SqliteLogStore, group: SignerGroup) {
    this.#store = store;
    this.#group = group;
  }

  get root(): string {
    return Buffer.from(this.#tree.root()).toString('hex');
  }

  identify(): Promise<unknown> {
    const { log, m, kPq: k_pq, signers } = this.#group;
    const genesis = { text: canonicalJson(this.#group.genesis()), signers: JSON.stringify({ m, k_pq, signers }) };
    return this.#store.identify({ log, genesis, audit: fact('genesis', null, null) });
  }

  /** The commands of one version. Each is in the line of the writer before the next, so the order is theirs. */
  version(version: number): readonly Promise<unknown>[] {
    const payload = this.#payload(version);
    const canonical = canonicalPayload(payload);
    const quorum = this.#group.quorum(version);
    const approvals = quorum.map(({ key, id }) => approve(key, id, canonical.hash, new Date()));
    const leaf = makeLeaf(payload, canonical, approvals, new Date());
    const hashed = leafHash(Buffer.from(leaf.text));
    this.#tree.append(hashed);
    const actor = quorum[0]?.id ?? '';
    const commands = [
      this.#store.propose({
        ...{ ...nonce(), payloadHash: canonical.hash, text: canonical.text, version, kind: payload.kind },
        ...{ expiresAt: Date.parse(payload.expires_at), proposedBy: actor, prevHash: this.#prev },
        ...{ pendingMax: 1, pendingOfSigner: 1 },
        audit: fact('propose', actor, canonical.hash),
      }),
      ...approvals.map((approval) =>
        this.#store.approve({
          ...{ ...nonce(), payloadHash: canonical.hash, signerId: approval.signer_id },
          ...{ body: JSON.stringify(approval), sameSignature: `"sig":${JSON.stringify(approval.sig)}` },
          audit: fact('approve', approval.signer_id, canonical.hash),
        }),
      ),
      this.#store.append({
        ...{ ...nonce(), version, prevHash: this.#prev, leaf: leaf.text, entryHash: leaf.hash },
        ...{ payloadHash: canonical.hash, leafHash: hashed, root: this.#tree.root() },
        ...{ kind: payload.kind, lockedOutside: true },
        audit: fact('commit', actor, canonical.hash),
      }),
    ];
    this.#prev = leaf.hash;
    return commands;
  }

  #payload(version: number): RegistryPayload {
    return {
      ...{ schema_version: REGISTRY_SCHEMA_VERSION, log: this.#group.log, version, prev_hash: this.#prev },
      ...{ signer_set_version: 0, expires_at: new Date(Date.now() + PROPOSAL_MS).toISOString() },
      ...{
        kind: 'set',
        items: [{ id: `node-${version}`, kind: 'node', addr: `https://node-${version}.example:443/` }],
      },
    };
  }
}

const nonce = () => ({ nonce: randomBytes(16).toString('hex'), nonceExpiresAt: Date.now() + 60_000 });

const fact = (kind: AuditFact['kind'], actor: string | null, subject: string | null): AuditFact => ({
  ...{ at: Date.now(), writerId: WRITER, kind, actor, subject, reason: null },
  attrs: {},
});

/** Writes a log of so many versions under the data folder of a node; answers the seconds it took. */
export async function growLog(dataDir: string, group: SignerGroup, versions: number): Promise<number> {
  const startedAt = performance.now();
  const folder = join(dataDir, 'registry');
  mkdirSync(folder, { recursive: true });
  const metrics = new MetricsRegistry().scope({ service: 'registry' });
  const store = await SqliteLogStore.open({ location: { file: join(folder, 'registry.db') }, metrics });
  try {
    const growth = new Growth(store, group);
    await growth.identify();
    for (let from = 1; from <= versions; from += VERSIONS_AT_ONCE) {
      const to = Math.min(versions, from + VERSIONS_AT_ONCE - 1);
      const commands: Promise<unknown>[] = [];
      for (let version = from; version <= to; version += 1) commands.push(...growth.version(version));
      const outcomes = await Promise.all(commands);
      const appended = outcomes.at(-1) as { readonly outcome?: string } | undefined;
      if (appended?.outcome !== 'committed') throw new Error(`version ${to} was not appended`);
    }
    const lock = await FileHeadLock.open(join(folder, 'lock'));
    await lock.advance({ size: versions, root: growth.root });
    await lock.close();
  } finally {
    await store.close();
  }
  return (performance.now() - startedAt) / 1_000;
}
