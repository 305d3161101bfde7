import { canonicalJson, hashBytes } from '@macronode/content';
import { RegistryLeaf, RegistryPayload } from '@macronode/contracts';
import { incomingSet, quorumOf, signerIn, type SignerSet, verifyApproval } from '@macronode/log';
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
  const verified = leaf.approvals.every((approval) =>
    [set, incoming].some((one) => {
      const signer = one && signerIn(one, approval.signer_id);
      return signer !== undefined && verifyApproval(signer, leaf.payload_b3, approval);
    }),
  );
  if (!verified) return { fault: 'approval' };
  if (!quorumOf(set, incoming, leaf.approvals).met) return { fault: 'quorum' };
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
