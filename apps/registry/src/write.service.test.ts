import { describe, expect, it } from 'vitest';
import { canonicalPayload } from '@macronode/log';
import { LOG, TestLog, signers } from './log-fixture.ts';

const refused = (code: string, reason?: string) =>
  expect.objectContaining({ code, ...(reason === undefined ? {} : { reason }) }) as Error;

describe('the write plane', () => {
  it('commits what enough signers approved, and links it to what was there', async () => {
    const [a, b, c] = signers(3);
    if (a === undefined || b === undefined || c === undefined) throw new Error('signers');
    await using opened = await TestLog.open({ members: [a, b, c], m: 2 });
    const first = await opened.round([a, b]);
    expect(first).toMatchObject({ created: true, committed: { version: 1 } });
    const second = await opened.round([b, c]);
    expect(second.committed.version).toBe(2);
    expect(opened.log.head).toMatchObject({ version: 2, entry_b3: second.committed.entry_b3, checkpoint_size: 2 });
    const leaf = JSON.parse(opened.log.store.entry(2)?.leaf ?? '{}') as { prev_hash: string };
    expect(leaf.prev_hash).toBe(first.committed.entry_b3);
    expect(opened.log.checkpointer?.text).toMatch(new RegExp(`^${LOG}\n2\n`));
  });

  it('answers a commit that was done with the same version', async () => {
    const members = signers(3);
    await using opened = await TestLog.open({ members, m: 2 });
    const [a, b] = members;
    if (a === undefined || b === undefined) throw new Error('signers');
    const id = await opened.propose(opened.next(), a);
    await opened.approve(id, a);
    await opened.approve(id, b);
    const [one, two] = await Promise.all([opened.commit(id, a), opened.commit(id, b)]);
    expect(one.committed).toEqual(two.committed);
    expect([one.created, two.created].sort()).toEqual([false, true]);
  });

  it('commits one of several proposals for a version; the others are stale', async () => {
    const members = signers(3);
    await using opened = await TestLog.open({ members, m: 1 });
    const [a] = members;
    if (a === undefined) throw new Error('signers');
    const ids = await Promise.all(['x', 'y', 'z'].map((id) => opened.propose(opened.next([{ id, kind: 'node' }]), a)));
    await Promise.all(ids.map((id) => opened.approve(id, a)));
    const results = await Promise.allSettled(ids.map((id) => opened.commit(id, a)));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(
      results.flatMap((result) => (result.status === 'rejected' ? [(result.reason as { code: string }).code] : [])),
    ).toEqual(['chain_mismatch', 'chain_mismatch']);
    expect(opened.proposals.open(Date.now())).toEqual([]);
  });

  it('refuses a commit below the quorum', async () => {
    const members = signers(3);
    await using opened = await TestLog.open({ members, m: 2 });
    const [a] = members;
    if (a === undefined) throw new Error('signers');
    const id = await opened.propose(opened.next(), a);
    await opened.approve(id, a);
    await opened.approve(id, a);
    await expect(opened.commit(id, a)).rejects.toEqual(refused('quorum_failed'));
  });

  it('refuses a request that was sent before, whatever it asks', async () => {
    const members = signers(3);
    await using opened = await TestLog.open({ members, m: 1 });
    const [a] = members;
    if (a === undefined) throw new Error('signers');
    const payload = opened.next();
    const request = { payload, auth: opened.auth(a, 'propose', canonicalPayload(payload).hash) };
    await opened.writes.propose(request);
    await expect(opened.writes.propose(request)).rejects.toEqual(refused('replayed'));
  });

  it('stops at freeze and goes on at thaw', async () => {
    const members = signers(3);
    await using opened = await TestLog.open({ members, m: 1 });
    const [a] = members;
    if (a === undefined) throw new Error('signers');
    await opened.freeze(true, a);
    await expect(opened.propose(opened.next(), a)).rejects.toEqual(refused('maintenance', 'frozen'));
    await opened.freeze(false, a);
    await opened.round([a]);
    expect(opened.log.head.version).toBe(1);
  });
});
