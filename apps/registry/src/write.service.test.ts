import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { canonicalPayload } from '@macronode/log';
import { dataFolder, LOG, signers, TestLog } from './log-fixture.ts';
import { COMMIT_STAGES } from './metrics.ts';

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

  it('commits no payload that was damaged on disk, though it can still be read', async () => {
    const dataDir = dataFolder();
    const members = signers(1);
    const [a] = members;
    if (a === undefined) throw new Error('signer');
    try {
      await using opened = await TestLog.open({ members, m: 1, dataDir });
      const id = await opened.propose(opened.next(), a);
      await opened.approve(id, a);
      const db = new DatabaseSync(join(dataDir, 'registry.db'));
      db.exec(`UPDATE payloads SET body = replace(body, 'node-1', 'node-2')`);
      db.close();
      expect(opened.log.store.payload(id)).toContain('node-2');
      await expect(opened.commit(id, a)).rejects.toEqual(refused('integrity'));
      expect(opened.log.head.version).toBe(0);
      const reasons = (): unknown[] =>
        opened.log.store.auditRecords(0, 100).map((text) => (JSON.parse(text) as { reason: unknown }).reason);
      await expect.poll(reasons, { timeout: 5_000 }).toContain('integrity');
      expect(await opened.value('registry_audit_fail_total', 'what="proposal"')).toBe(1);
      expect(await opened.value('registry_commits_total', 'result="failed"')).toBe(1);
      expect((await opened.round([a])).committed.version).toBe(1);
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });

  it('shows a rotation that was damaged on disk among the others, and takes neither approval nor commit of it', async () => {
    const dataDir = dataFolder();
    const members = signers(2);
    const [a, b] = members;
    if (a === undefined || b === undefined) throw new Error('signers');
    try {
      await using opened = await TestLog.open({ members, m: 1, dataDir });
      const to = members.map((member) => member.member());
      const id = await opened.propose({ ...opened.bound(), kind: 'signers', m: 1, k_pq: 0, signers: to }, a);
      const other = await opened.propose(opened.next(), a);
      expect((await opened.approve(id, a)).quorum).toMatchObject({ met: true, incoming: { approved: 1 } });
      const db = new DatabaseSync(join(dataDir, 'registry.db'));
      db.exec(`UPDATE payloads SET body = replace(body, '"m":1', '"m":2')`);
      db.close();
      const quorum = { m: 1, n: 2, k_pq: 0, approved: 1, approved_pq: 0, met: false };
      for (let times = 0; times < 2; times += 1) {
        const listed = opened.proposals.open(Date.now());
        expect(listed.map(({ proposal_id }) => proposal_id).sort()).toEqual([id, other].sort());
        expect(listed.find(({ proposal_id }) => proposal_id === id)?.quorum).toEqual(quorum);
        expect(opened.proposals.shown(id).quorum).toEqual(quorum);
      }
      const counted = () => opened.value('registry_audit_fail_total', 'what="proposal"');
      expect(await counted()).toBe(0);
      await expect(opened.approve(id, b)).rejects.toEqual(refused('integrity'));
      expect(await counted()).toBe(1);
      await expect(opened.commit(id, a)).rejects.toEqual(refused('integrity'));
      expect(await counted()).toBe(2);
      expect(() => opened.proposals.withPayload(id)).toThrow(refused('integrity'));
      expect(await counted()).toBe(3);
      expect([opened.log.head.version, opened.log.store.approvals(id).length]).toEqual([0, 1]);
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });

  it('commits an entry of root keys', async () => {
    const members = signers(2);
    await using opened = await TestLog.open({ members, m: 2 });
    const digest = `b3:${'7'.repeat(64)}`;
    const key = { key_id: 'org:test#root1', digest, not_after: '2031-01-01T00:00:00Z' };
    const { committed } = await opened.round(members, { ...opened.bound(), kind: 'root_keys', root_keys: [key] });
    expect(committed.version).toBe(1);
    const { leaf, payload } = opened.log.store.entry(1) ?? { leaf: '{}', payload: '{}' };
    expect(JSON.parse(leaf)).toMatchObject({ kind: 'root_keys', payload_b3: committed.payload_b3 });
    expect(JSON.parse(payload)).toMatchObject({ root_keys: [key] });
    expect(await opened.value('registry_updates_total', 'kind="root_keys"')).toBe(1);
  });

  it('measures each step of a commit, once, and what it wrote', async () => {
    const dataDir = dataFolder();
    const members = signers(3);
    try {
      await using opened = await TestLog.open({ members, m: 2, dataDir });
      const [a] = members;
      if (a === undefined) throw new Error('signer');
      const id = await opened.propose(opened.next(), a);
      for (const member of members) await opened.approve(id, member);
      const started = performance.now();
      await opened.commit(id, a);
      const seconds = (performance.now() - started) / 1_000;
      let sum = 0;
      for (const stage of COMMIT_STAGES) {
        expect(await opened.value('commit_stage_seconds_count', `stage="${stage}"`), stage).toBe(1);
        sum += await opened.value('commit_stage_seconds_sum', `stage="${stage}"`);
      }
      // Each begins where the one before ended: together they take no longer than the whole.
      expect(sum).toBeLessThanOrEqual(seconds);
      expect(await opened.value('commit_stage_seconds_sum', 'stage="append"')).toBeGreaterThan(0);
      expect(await opened.value('registry_approvals_per_commit_count')).toBe(1);
      expect(await opened.value('registry_approvals_per_commit_sum')).toBe(3);
      // That there is such a series: how much was written, the system under the test decides.
      expect(await opened.value('registry_write_amplification')).not.toBeNaN();
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });

  it('takes neither approval nor commit of a proposal that expired after it was taken', async () => {
    const members = signers(2);
    const [a, b] = members;
    if (a === undefined || b === undefined) throw new Error('signers');
    let now = Date.parse('2030-01-01T00:00:00Z');
    await using opened = await TestLog.open({ members, m: 1, clock: { wallMs: () => now } });
    const id = await opened.propose(opened.next(undefined, 60_000), a);
    await opened.approve(id, a);
    now += 60_000;
    await expect(opened.approve(id, b)).rejects.toEqual(refused('expired'));
    await expect(opened.commit(id, a)).rejects.toEqual(refused('expired'));
    expect([opened.log.head.version, opened.proposals.open(now), opened.proposals.shown(id).state]).toEqual([
      0,
      [],
      'open',
    ]);
    expect((await opened.round([a])).committed.version).toBe(1);
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
    const { hash } = canonicalPayload(payload);
    const request = { payload, payload_b3: hash, auth: opened.auth(a, 'propose', hash) };
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

  it('lets a rotation pass a freeze, so that no signer can keep the others from removing it', async () => {
    const members = signers(3);
    const [a, b, c] = members;
    if (a === undefined || b === undefined || c === undefined) throw new Error('signers');
    await using opened = await TestLog.open({ members, m: 2 });
    await opened.freeze(true, c);
    const without = [a.member(), b.member()];
    const rotation = { ...opened.bound(), kind: 'signers' as const, m: 1, k_pq: 0, signers: without };
    expect((await opened.round([a, b], rotation)).committed.version).toBe(1);
    await expect(opened.freeze(true, c)).rejects.toEqual(refused('unknown_signer'));
    await opened.freeze(false, a);
    expect((await opened.round([a])).committed.version).toBe(2);
  });

  it('commits nothing after a freeze was answered, whoever was on the way', async () => {
    const members = signers(3);
    const [a, b] = members;
    if (a === undefined || b === undefined) throw new Error('signers');
    await using opened = await TestLog.open({ members, m: 1 });
    const ids = await Promise.all(['x', 'y'].map((id) => opened.propose(opened.next([{ id, kind: 'node' }]), a)));
    for (const id of ids) await opened.approve(id, a);
    const froze = opened.freeze(true, b).then(() => opened.log.head.version);
    const commits = await Promise.allSettled(ids.map((id) => opened.commit(id, a)));
    const atFreeze = await froze;
    expect(opened.log.head.version).toBe(atFreeze);
    expect(commits.some(({ status }) => status === 'rejected')).toBe(true);
  });

  it('takes as many open proposals of one signer as its part, and of the others still', async () => {
    const members = signers(16);
    const [a, b] = members;
    if (a === undefined || b === undefined) throw new Error('signers');
    await using opened = await TestLog.open({ members, m: 2 });
    const propose = (id: string, by = a) => opened.propose(opened.next([{ id, kind: 'node' }]), by);
    for (let at = 0; at < 4; at += 1) await propose(`n${at}`);
    await expect(propose('more')).rejects.toEqual(refused('saturated', 'pending_of_signer'));
    await propose('other', b);
  });

  it('keeps no long payload the log went on without', async () => {
    const members = signers(1);
    const [a] = members;
    if (a === undefined) throw new Error('signer');
    await using opened = await TestLog.open({ members, m: 1 });
    const long = await opened.propose(opened.next([{ id: 'x', kind: 'node', attrs: { pad: 'x'.repeat(5_000) } }]), a);
    const short = await opened.propose(opened.next([{ id: 'y', kind: 'node' }]), a);
    await opened.approve(long, a);
    await opened.round([a]);
    expect([opened.log.store.payload(long), opened.proposals.shown(long).state]).toEqual([undefined, 'stale']);
    expect(opened.log.store.payload(short)).toBeDefined();
    await expect(opened.commit(long, a)).rejects.toEqual(refused('chain_mismatch'));
  });

  it('stops writing when a commit was left unfinished, and finishes it at the next start', async () => {
    const dataDir = dataFolder();
    const members = signers(1);
    const [a] = members;
    if (a === undefined) throw new Error('signer');
    try {
      {
        let fail = false;
        await using opened = await TestLog.open({
          members,
          m: 1,
          dataDir,
          faultPoint: (step) => {
            if (fail && step === 'after lock') throw new Error('the signer broke');
          },
        });
        await opened.round([a]);
        fail = true;
        await expect(opened.round([a])).rejects.toThrow('the signer broke');
        expect([opened.log.head.version, opened.log.writable, opened.log.entry(2)]).toEqual([1, false, undefined]);
        await expect(opened.propose(opened.next(), a)).rejects.toEqual(refused('unavailable', 'store'));
      }
      await using again = await TestLog.open({ members, m: 1, dataDir });
      expect(again.log.head.version).toBe(2);
      await again.round([a]);
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });

  it('commits although somebody who listens throws', async () => {
    const members = signers(1);
    const [a] = members;
    if (a === undefined) throw new Error('signer');
    await using opened = await TestLog.open({ members, m: 1 });
    const heard: number[] = [];
    opened.log.onCommit(() => {
      throw new Error('not my day');
    });
    opened.log.onCommit(({ version }) => heard.push(version));
    await opened.round([a]);
    expect(heard).toEqual([1]);
    expect(opened.listenerErrors).toEqual([new Error('not my day')]);
  });
});
