import { canonical } from './canonical-form.ts';
import { b3 } from './hashes.ts';
import { Members } from './members.ts';
import { VerificationFailed } from './verification-failed.ts';

export interface Approval {
  readonly signerId: string;
  readonly algo: string;
  readonly sig: string;
}

/** One line of the log, whose hashes and spelling are right. */
export interface LogEntry {
  readonly version: number;
  readonly kind: string;
  readonly entryB3: string;
  readonly payloadB3: string;
  readonly committedAt: string;
  readonly leafBytes: Uint8Array;
  readonly leaf: Members;
  readonly payload: Members;
  readonly approvals: readonly Approval[];
}

const SCHEMA_VERSION = '1.0.0';

const LEAF_MEMBERS: ReadonlySet<string> = new Set([
  'schema_version',
  'version',
  'kind',
  'payload_b3',
  'payload_size',
  'prev_hash',
  'signer_set_version',
  'approvals',
  'committed_at',
]);

const APPROVAL_MEMBERS: ReadonlySet<string> = new Set(['signer_id', 'algo', 'sig', 'signed_at']);

/** Reads a line and recomputes what can be said of it alone: its canonical form, the two hashes, the size. */
export function readEntry(line: string): LogEntry {
  const whole = Members.parse('the entry', line);
  const leaf = new Members('the leaf', whole.value('leaf'));
  const payload = new Members('the payload', whole.value('payload'));
  const [leafText, payloadText] = [canonical(whole.value('leaf')), canonical(whole.value('payload'))];
  const entryB3 = whole.text('entry_b3');
  // One comparison for the spelling of all of it: order of members, spaces, numbers, a member named twice.
  if (line !== `{"entry_b3":${JSON.stringify(entryB3)},"leaf":${leafText},"payload":${payloadText}}`) {
    throw new VerificationFailed('canonical', 'the line is not in canonical form');
  }
  const [leafBytes, payloadBytes] = [Buffer.from(leafText), Buffer.from(payloadText)];
  if (b3(leafBytes) !== entryB3) throw new VerificationFailed('chain', 'entry_b3 is not the hash of the leaf');
  const payloadB3 = leaf.text('payload_b3');
  if (b3(payloadBytes) !== payloadB3) {
    throw new VerificationFailed('payload', 'payload_b3 is not the hash of the payload');
  }
  if (leaf.count('payload_size') !== payloadBytes.length) {
    throw new VerificationFailed('payload', `payload_size is not ${payloadBytes.length}`);
  }
  leaf.only(LEAF_MEMBERS);
  for (const members of [leaf, payload]) {
    if (members.text('schema_version') !== SCHEMA_VERSION) {
      throw new VerificationFailed('shape', `schema_version is not ${SCHEMA_VERSION}`);
    }
  }
  return {
    version: leaf.count('version'),
    kind: leaf.text('kind'),
    entryB3,
    payloadB3,
    committedAt: leaf.text('committed_at'),
    leafBytes,
    leaf,
    payload,
    approvals: leaf.list('approvals').map(readApproval),
  };
}

function readApproval(value: unknown): Approval {
  const approval = new Members('an approval', value);
  approval.only(APPROVAL_MEMBERS);
  approval.instant('signed_at');
  return { signerId: approval.text('signer_id'), algo: approval.text('algo'), sig: approval.text('sig') };
}
