import { describe, expect, it } from 'vitest';
import { BAD_LOGS, FIRST, GOOD_LOGS, type JudgedLog } from '../../apps/registry/src/bad-entries-fixture.ts';
import { judgeApprovals } from '../../apps/ronctl/src/verifier/approvals.ts';
import { LogChain } from '../../apps/ronctl/src/verifier/log-chain.ts';
import { readEntry } from '../../apps/ronctl/src/verifier/log-entry.ts';
import { Members } from '../../apps/ronctl/src/verifier/members.ts';
import { admitSignerSet } from '../../apps/ronctl/src/verifier/signer-set.ts';
import { VerificationFailed } from '../../apps/ronctl/src/verifier/verification-failed.ts';

/** Walks a log as `ronctl registry verify` does. Resolves with the version it got to. */
async function verified({ entries }: Pick<JudgedLog, 'entries'>): Promise<number> {
  const chain = new LogChain(FIRST.log, admitSignerSet('the first', FIRST.log, 0, new Members('the first', FIRST)));
  for (const { entryHash, leaf, payload } of entries) {
    const read = readEntry(`{"entry_b3":"${entryHash}","leaf":${leaf},"payload":${payload}}`);
    const { inForce, incoming } = chain.link(read);
    await judgeApprovals(read, inForce, incoming);
  }
  return chain.version;
}

// The registry and its verifier share no code: what one refuses, the other must not take.
describe('the verifier agrees with the registry on', () => {
  it.each(GOOD_LOGS)('$what', async ({ entries }) => {
    expect(await verified({ entries })).toBe(entries.length);
  });

  it.each(BAD_LOGS)('$what, which both refuse', async ({ entries }) => {
    expect(await verified({ entries: entries.slice(0, -1) })).toBe(entries.length - 1);
    await expect(verified({ entries })).rejects.toBeInstanceOf(VerificationFailed);
  });
});
