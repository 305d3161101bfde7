import { canonicalJson, hashBytes } from '@macronode/content';
import { LIMITS, RegistryLeaf, RegistryPayload } from '@macronode/contracts';
import { admitSignerSet, incomingSet, quorumOf, type SignerSet, SignerSetRefused } from '@macronode/log';
import { CheckedApprovals } from './checked-approvals.ts';
import type { StoredEntry } from './log.store.ts';

/** What an entry must continue. */
export interface Place {
  readonly log: string;
  readonly version: number;
  readonly prevHash: string | null;
  readonly set: SignerSet | undefined;
  /** Whether the log has ended before. */
  readonly sealed: boolean;
}

export type EntryVerdict =
  | { readonly fault: string }
  | { readonly fault?: undefined; readonly leaf: RegistryLeaf; readonly incoming: SignerSet | undefined };

interface Parsed {
  readonly leaf: RegistryLeaf;
  readonly payload: RegistryPayload;
}

/** Judges an entry by itself and by its place: all that a commit looks at, and what a verifier outside would refuse. */
export function judgeEntry(entry: StoredEntry, place: Place): EntryVerdict {
  const parsed = parse(entry);
  if (parsed === undefined) return { fault: 'form' };
  const { leaf, payload } = parsed;
  const fault = faultOfTexts(entry, parsed) ?? faultOfPlace(entry, parsed, place);
  if (fault !== undefined) return { fault };
  const { log, set } = place;
  if (set === undefined || leaf.signer_set_version !== set.version) return { fault: 'signer set' };
  const incoming = incomingSet(payload);
  // Before a key of it is used: under some keys anything verifies.
  if (incoming !== undefined && !isAdmitted(log, incoming)) return { fault: 'incoming signers' };
  const faultOfSigners = faultOfApprovals(leaf, set, incoming);
  return faultOfSigners === undefined ? { leaf, incoming } : { fault: faultOfSigners };
}

/** Where the entry that follows belongs. One that is at fault moves the place, and brings nothing. */
export const placeAfter = (place: Place, entry: StoredEntry, verdict: EntryVerdict): Place => ({
  log: place.log,
  version: entry.version + 1,
  prevHash: entry.entryHash,
  set: (verdict.fault === undefined ? verdict.incoming : undefined) ?? place.set,
  sealed: place.sealed || (verdict.fault === undefined && verdict.leaf.kind === 'seal'),
});

function parse(entry: StoredEntry): Parsed | undefined {
  try {
    return {
      leaf: RegistryLeaf.parse(JSON.parse(entry.leaf)),
      payload: RegistryPayload.parse(JSON.parse(entry.payload)),
    };
  } catch {
    return undefined;
  }
}

/** One spelling, the hashes and the size that are stated, and no more bytes than can be served. */
function faultOfTexts(entry: StoredEntry, { leaf, payload }: Parsed): string | undefined {
  const [leafBytes, payloadBytes] = [Buffer.from(entry.leaf), Buffer.from(entry.payload)];
  if (hashBytes(leafBytes) !== entry.entryHash) return 'entry hash';
  if (hashBytes(payloadBytes) !== leaf.payload_b3) return 'payload hash';
  if (canonicalJson(leaf) !== entry.leaf || canonicalJson(payload) !== entry.payload) return 'spelling';
  if (leaf.payload_size !== payloadBytes.length) return 'payload size';
  const fits =
    leafBytes.length <= LIMITS.registry_leaf_bytes.value && payloadBytes.length <= LIMITS.registry_payload_bytes.value;
  return fits ? undefined : 'too large';
}

/** Leaf and payload say the same, and that they follow what is there. */
function faultOfPlace(entry: StoredEntry, { leaf, payload }: Parsed, place: Place): string | undefined {
  const { log, version, prevHash, sealed } = place;
  if (sealed) return 'sealed';
  if (payload.log !== log) return 'log';
  const follows =
    entry.version === version &&
    [leaf, payload].every((one) => one.version === version && one.prev_hash === prevHash) &&
    leaf.kind === payload.kind &&
    leaf.signer_set_version === payload.signer_set_version;
  if (!follows) return 'chain';
  if (payload.kind === 'supersede' && payload.supersede_of !== prevHash) return 'supersede';
  return Date.parse(leaf.committed_at) > Date.parse(payload.expires_at) ? 'expired' : undefined;
}

function isAdmitted(log: string, incoming: SignerSet): boolean {
  try {
    admitSignerSet(log, incoming);
    return true;
  } catch (error) {
    if (error instanceof SignerSetRefused) return false;
    throw error;
  }
}

/** Each signer approves once, in their order, with a key in force or one that comes; and they are enough. */
function faultOfApprovals(leaf: RegistryLeaf, set: SignerSet, incoming: SignerSet | undefined): string | undefined {
  const { approvals, payload_b3: payloadHash } = leaf;
  const sorted = approvals.every(({ signer_id: id }, at) => at === 0 || (approvals[at - 1]?.signer_id ?? '') < id);
  if (!sorted) return 'approval order';
  const checked = new CheckedApprovals(payloadHash);
  const sets = incoming === undefined ? [set] : [set, incoming];
  if (!approvals.every((approval) => checked.byAny(sets, approval))) return 'approval';
  return quorumOf(set, incoming, approvals, checked.verifies).met ? undefined : 'quorum';
}
