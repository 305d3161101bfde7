import type { LogEntry } from './log-entry.ts';
import { type PublicKey, isSigned } from './public-key.ts';
import type { SignerSet } from './signer-set.ts';
import { VerificationFailed } from './verification-failed.ts';

const APPROVAL_DOMAIN = 'ron:registry:approve:v1\n';

/**
 * Verifies every approval of an entry under the signers in force and, when it is a rotation, those it brings. A
 * signature counts for a set only when it was made with the key that set has. Resolves with how many there are.
 */
export async function judgeApprovals(
  { version, payloadB3, approvals }: LogEntry,
  inForce: SignerSet,
  incoming: SignerSet | undefined,
): Promise<number> {
  const fail = (problem: string): never => {
    throw new VerificationFailed('approvals', problem, version);
  };
  approvals.forEach(({ signerId }, at) => {
    const before = approvals[at - 1]?.signerId;
    if (before === signerId) fail(`${signerId} approves twice`);
    if (before !== undefined && before > signerId) fail('the approvals are not sorted by signer');
  });
  const message = Buffer.from(`${APPROVAL_DOMAIN}${payloadB3}\n`);
  const sets = incoming === undefined ? [inForce] : [inForce, incoming];
  const signed = new Set<PublicKey>();
  for (const { signerId, algo, sig } of approvals) {
    const keys = sets.flatMap((set) => set.keys.get(signerId) ?? []);
    if (keys.length === 0) fail(`${signerId} approves and is not in the signer set in force`);
    const held = keys.filter(({ algorithm }) => algorithm === algo);
    if (held.length === 0) fail(`${signerId} approves with another algorithm than its key's`);
    const verdicts = await Promise.all(held.map((key) => isSigned(key, message, sig)));
    if (!verdicts.includes(true)) fail(`the approval of ${signerId} does not verify with its key`);
    for (const [at, key] of held.entries()) if (verdicts[at] === true) signed.add(key);
  }
  for (const set of sets) {
    const counted = [...set.keys.values()].filter((key) => signed.has(key));
    const postQuantum = counted.filter(({ algorithm }) => algorithm === 'ml-dsa-44').length;
    const whose = set === inForce ? 'the signers in force' : 'the signers it brings';
    if (counted.length < set.m) fail(`${counted.length} of ${whose} approve, ${set.m} are needed`);
    if (postQuantum < set.kPq) fail(`${postQuantum} of ${whose} approve post-quantum, ${set.kPq} are needed`);
  }
  return approvals.length;
}
