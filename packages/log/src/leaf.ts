import { canonicalJson, hashBytes } from '@macronode/content';
import type { ContentIdString } from '@macronode/content';
import {
  LIMITS,
  REGISTRY_SCHEMA_VERSION,
  type RegistryApproval,
  type RegistryLeaf,
  type RegistryPayload,
} from '@macronode/contracts';

/** A payload in its one spelling (RFC 8785), with what follows from it. */
export interface CanonicalPayload {
  readonly text: string;
  readonly bytes: number;
  readonly hash: ContentIdString;
}

/** Thrown when a payload or a leaf is over its limit. */
export class EntryTooLarge extends Error {
  override readonly name = 'EntryTooLarge';

  constructor(what: string, bytes: number, limit: number) {
    super(`${what} has ${bytes} bytes, at most ${limit} are taken`);
  }
}

/** Throws CanonicalJsonError for what has no canonical form, and {@link EntryTooLarge}. */
export function canonicalPayload(payload: unknown): CanonicalPayload {
  const text = canonicalJson(payload);
  const encoded = Buffer.from(text);
  const limit = LIMITS.registry_payload_bytes.value;
  if (encoded.length > limit) throw new EntryTooLarge('the canonical payload', encoded.length, limit);
  return { text, bytes: encoded.length, hash: hashBytes(encoded) };
}

/** A leaf in its one spelling, and its link in the chain. */
export interface CanonicalLeaf {
  readonly leaf: RegistryLeaf;
  readonly text: string;
  readonly hash: ContentIdString;
}

/** The entry a payload becomes. Approvals are sorted by signer, so that one entry has one spelling. */
export function makeLeaf(
  payload: RegistryPayload,
  canonical: CanonicalPayload,
  approvals: readonly RegistryApproval[],
  committedAt: Date,
): CanonicalLeaf {
  const leaf: RegistryLeaf = {
    schema_version: REGISTRY_SCHEMA_VERSION,
    version: payload.version,
    kind: payload.kind,
    payload_b3: canonical.hash,
    payload_size: canonical.bytes,
    prev_hash: payload.prev_hash,
    signer_set_version: payload.signer_set_version,
    approvals: approvals.toSorted((a, b) => (a.signer_id < b.signer_id ? -1 : 1)),
    committed_at: committedAt.toISOString(),
  };
  const text = canonicalJson(leaf);
  const encoded = Buffer.from(text);
  const limit = LIMITS.registry_leaf_bytes.value;
  if (encoded.length > limit) throw new EntryTooLarge('the leaf', encoded.length, limit);
  return { leaf, text, hash: hashBytes(encoded) };
}
