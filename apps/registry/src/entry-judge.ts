import { canonicalJson, hashBytes } from '@macronode/content';
import { RegistryLeaf, RegistryPayload } from '@macronode/contracts';
import { incomingSet, quorumOf, type SignerSet } from '@macronode/log';
import { CheckedApprovals } from './checked-approvals.ts';
import type { StoredEntry } from './log.store.ts';

/** What an entry must continue. */
export interface Place {
  readonly version: number;
  readonly prevHash: string | null;
  readonly set: SignerSet | undefined;
}

export type EntryVerdict =
  | { readonly fault: string }
  | { readonly fault?: undefined; readonly leaf: RegistryLeaf; readonly incoming: SignerSet | undefined };

/** Judges an entry by itself and by its place: hashes, link, signer set, every signature, quorum. */
export function judgeEntry(entry: StoredEntry, place: Place): EntryVerdict {
  const parsed = parse(entry);
  if (parsed === undefined) return { fault: 'form' };
  const { leaf, payload } = parsed;
  if (hashBytes(Buffer.from(entry.leaf)) !== entry.entryHash) return { fault: 'entry hash' };
  if (hashBytes(Buffer.from(entry.payload)) !== leaf.payload_b3) return { fault: 'payload hash' };
  if (canonicalJson(leaf) !== entry.leaf || canonicalJson(payload) !== entry.payload) return { fault: 'spelling' };
  const { version, prevHash, set } = place;
  if (entry.version !== version || !agrees(leaf, payload, place)) return { fault: 'chain' };
  if (set === undefined || leaf.signer_set_version !== set.version) return { fault: 'signer set' };
  const incoming = incomingSet(payload);
  const checked = new CheckedApprovals(leaf.payload_b3);
  const candidates = [set, ...(incoming === undefined ? [] : [incoming])];
  if (!leaf.approvals.every((approval) => checked.byAny(candidates, approval))) return { fault: 'approval' };
  if (!quorumOf(set, incoming, leaf.approvals, checked.verifies).met) return { fault: 'quorum' };
  if (Date.parse(leaf.committed_at) > Date.parse(payload.expires_at)) return { fault: 'expired' };
  if (payload.kind === 'supersede' && payload.supersede_of !== prevHash) return { fault: 'supersede' };
  return { leaf, incoming };
}

function parse(entry: StoredEntry): { readonly leaf: RegistryLeaf; readonly payload: RegistryPayload } | undefined {
  try {
    return {
      leaf: RegistryLeaf.parse(JSON.parse(entry.leaf)),
      payload: RegistryPayload.parse(JSON.parse(entry.payload)),
    };
  } catch {
    return undefined;
  }
}

/** Leaf and payload say the same, and that they follow what is there. */
const agrees = (leaf: RegistryLeaf, payload: RegistryPayload, { version, prevHash }: Place): boolean =>
  [leaf, payload].every((one) => one.version === version && one.prev_hash === prevHash) &&
  leaf.kind === payload.kind &&
  leaf.signer_set_version === payload.signer_set_version;
