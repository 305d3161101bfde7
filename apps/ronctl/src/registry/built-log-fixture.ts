import { generateKeyPairSync, sign } from 'node:crypto';
import { canonicalJson } from '@macronode/content';
import {
  REGISTRY_SCHEMA_VERSION,
  type RegistryApproval,
  type RegistryGenesis,
  type RegistryPayload,
  type Signer,
} from '@macronode/contracts';
import { type SigningKey, generateKey } from '@macronode/keys';
import {
  type Checkpoint,
  HashTree,
  type NoteSigner,
  approve,
  canonicalHash,
  canonicalPayload,
  encodeEntryBundle,
  formatCheckpoint,
  formatNote,
  formatTlogProof,
  formatVkey,
  leafHash,
  makeLeaf,
  noteKey,
  parseSignedCheckpoint,
  parseTilePath,
  signCheckpoint,
  signerOf,
} from '@macronode/log';

export const LOG = 'registry.example/test';
export const NOW = new Date('2026-03-01T12:00:00.000Z');
const HOUR_MS = 3_600_000;

/** Keys by signer id. Made once: an ML-DSA-44 key takes its time. */
export type Keys = Readonly<Record<string, SigningKey>>;

export const KEYS: Keys = {
  'org:a#1': generateKey('ed25519'),
  'org:b#1': generateKey('ed25519'),
  'org:c#1': generateKey('ml-dsa-44'),
  'org:d#1': generateKey('ed25519'),
};

export const keyOf = (id: string, keys: Keys = KEYS): SigningKey => {
  const key = keys[id];
  if (key === undefined) throw new Error(`no key of ${id}`);
  return key;
};

export const membersOf = (ids: readonly string[], keys: Keys = KEYS): Signer[] =>
  ids.map((id) => signerOf(keyOf(id, keys), LOG, id));

export const FIRST = ['org:a#1', 'org:b#1', 'org:c#1'] as const;

export const genesisOf = (m: number, kPq = 0, ids: readonly string[] = FIRST): RegistryGenesis => ({
  log: LOG,
  m,
  k_pq: kPq,
  signers: membersOf(ids),
});

export function noteSigner(name: string, type: 'ed25519' | 'cosignature-ed25519'): NoteSigner {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const hex = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('hex');
  return { key: noteKey(name, type, hex), sign: (message) => sign(null, message, privateKey) };
}

/** What of a payload is not bound by its place. */
export type Content = Record<string, unknown> & { readonly kind: RegistryPayload['kind'] };

export const ITEMS: Content = { kind: 'set', items: [{ id: 'node-1', kind: 'node', addr: 'https://n1.example/' }] };

/** Where a dishonest writer of the log puts its hand: each sees what the next step hashes or signs. */
export interface Hands {
  readonly payload?: (payload: Record<string, unknown>) => void;
  readonly approvals?: (approvals: RegistryApproval[], payloadHash: string) => RegistryApproval[];
  readonly leaf?: (leaf: Record<string, unknown>) => void;
}

interface Built {
  readonly payload: Record<string, unknown>;
  readonly leafText: string;
  readonly entryB3: string;
  line: string;
}

/** A log made entry by entry, with every artefact a node serves of it. Everything that is served can be replaced. */
export class BuiltLog {
  readonly entries: Built[] = [];
  readonly genesis: RegistryGenesis;
  readonly logKey = noteSigner(LOG, 'ed25519');
  readonly cosigner = noteSigner(`${LOG}/cosigner`, 'cosignature-ed25519');
  readonly #keys: Keys;
  readonly #tree = new HashTree();
  #setVersion = 0;
  #set: Pick<RegistryGenesis, 'm' | 'k_pq' | 'signers'>;

  constructor(genesis: RegistryGenesis, keys: Keys = KEYS) {
    this.genesis = genesis;
    this.#set = genesis;
    this.#keys = keys;
  }

  get head(): Built | undefined {
    return this.entries.at(-1);
  }

  /** The next payload with this content. */
  next(content: Content): Record<string, unknown> {
    return {
      schema_version: REGISTRY_SCHEMA_VERSION,
      log: LOG,
      version: this.entries.length + 1,
      prev_hash: this.head?.entryB3 ?? null,
      signer_set_version: this.#setVersion,
      expires_at: new Date(NOW.getTime() + HOUR_MS).toISOString(),
      ...content,
    };
  }

  add(content: Content, approvers: readonly string[] = FIRST.slice(0, 2), hands: Hands = {}): this {
    const draft = this.next(content);
    hands.payload?.(draft);
    const payload = draft as unknown as RegistryPayload;
    const canonical = canonicalPayload(payload);
    const approvals = approvers.map((id) => approve(keyOf(id, this.#keys), id, canonical.hash, NOW));
    const changed = hands.approvals?.(approvals, canonical.hash);
    const made = makeLeaf(payload, canonical, approvals, NOW).leaf;
    const leaf: Record<string, unknown> = { ...made, ...(changed === undefined ? {} : { approvals: changed }) };
    hands.leaf?.(leaf);
    const leafText = canonicalJson(leaf);
    const entryB3 = canonicalHash(leaf);
    const line = `{"entry_b3":"${entryB3}","leaf":${leafText},"payload":${canonicalJson(draft)}}`;
    this.entries.push({ payload: draft, leafText, entryB3, line });
    if (payload.kind === 'signers') {
      this.#set = payload;
      this.#setVersion = payload.version;
    }
    return this;
  }

  get tree(): HashTree {
    const added = this.entries.slice(this.#tree.size);
    this.#tree.appendAll(added.map(({ leafText }) => leafHash(Buffer.from(leafText))));
    return this.#tree;
  }

  /** The signed note of a size, by the log and by the node. */
  checkpoint(
    size = this.entries.length,
    over: Partial<Checkpoint> = {},
    signer = this.logKey,
    seconds = NOW.getTime() / 1_000,
  ): string {
    const checkpoint = { origin: LOG, size, root: this.tree.root(size), extensions: [], ...over };
    const signatures = [signer, this.cosigner].map((each) => signCheckpoint(checkpoint, seconds, each));
    return formatNote({ text: formatCheckpoint(checkpoint), signatures });
  }

  get signers(): Record<string, unknown> {
    const { m, k_pq, signers } = this.#set;
    const keys = { vkey: formatVkey(this.logKey.key), cosigner_vkey: formatVkey(this.cosigner.key) };
    const { log, ...genesis } = this.genesis;
    return { log, ...keys, state: 'open', version: this.#setVersion, m, k_pq, signers, genesis };
  }

  get headShown(): Record<string, unknown> {
    const size = this.entries.length;
    const { leafText, entryB3 } = this.head ?? {};
    const leaf = leafText === undefined ? {} : (JSON.parse(leafText) as Record<string, unknown>);
    const { payload_b3 = null, committed_at = null } = leaf;
    return { version: size, payload_b3, entry_b3: entryB3 ?? null, committed_at, checkpoint_size: size };
  }

  tile(path: string): Uint8Array | undefined {
    const tile = parseTilePath(path);
    if (tile?.kind === 'hashes') return this.tree.tile(tile.level, tile.index, tile.width);
    if (tile === undefined || tile.index * 256 + tile.width > this.entries.length) return undefined;
    const entries = this.entries.slice(tile.index * 256, tile.index * 256 + tile.width);
    return encodeEntryBundle(entries.map(({ leafText }) => Buffer.from(leafText)));
  }

  proof(version: number): string {
    const checkpoint = parseSignedCheckpoint(this.checkpoint());
    return formatTlogProof({ index: version - 1, path: this.tree.inclusionProof(version - 1), checkpoint });
  }

  consistency(from: number, to: number): Record<string, unknown> {
    const hashes = this.tree.consistencyProof(from, to).map((hash) => Buffer.from(hash).toString('base64'));
    return { from, to, hashes };
  }
}
