import { describe, expect, it } from 'vitest';
import { LIMITS, type RegistryPayload } from '@macronode/contracts';
import { approvalSubject, approve, canonicalPayload, signRequest } from '@macronode/log';
import { LOG, TestLog, signers, TestSigner } from './log-fixture.ts';

const refused = (code: string, reason?: string) =>
  expect.objectContaining({ code, ...(reason === undefined ? {} : { reason }) }) as Error;

/** A log of three signers, two of whom commit, and a stranger. */
async function three(m = 2) {
  const [a, b, c, stranger] = [...signers(3), new TestSigner('org:other#key1')];
  if (a === undefined || b === undefined || c === undefined || stranger === undefined) throw new Error('signers');
  const opened = await TestLog.open({ members: [a, b, c], m });
  return { opened, a, b, c, stranger };
}

/** The reasons of the refusals in the audit chain, once those behind the callers' backs are written. */
async function audited(opened: TestLog, count: number): Promise<(string | null)[]> {
  const reasons = (): (string | null)[] =>
    opened.log.store
      .auditRecords(0, 1_000)
      .map((text) => JSON.parse(text) as { kind: string; reason: string | null })
      .flatMap(({ kind, reason }) => (kind === 'refuse' ? [reason] : []));
  await expect.poll(reasons, { timeout: 5_000 }).toHaveLength(count);
  return reasons();
}

describe('a proposal is refused', () => {
  it.each<[string, string, (bound: ReturnType<TestLog['bound']>) => Partial<RegistryPayload>]>([
    ['of another log', 'chain_mismatch', () => ({ log: 'other.example/log' })],
    ['of a later version', 'chain_mismatch', ({ version }) => ({ version: version + 1 })],
    ['of the version that is there', 'chain_mismatch', ({ version }) => ({ version: Math.max(1, version - 1) })],
    ['with another previous hash', 'chain_mismatch', () => ({ prev_hash: `b3:${'0'.repeat(64)}` as const })],
    ['for another signer set', 'chain_mismatch', () => ({ signer_set_version: 7 })],
    ['that has expired', 'expired', () => ({ expires_at: new Date(Date.now() - 1).toISOString() })],
    [
      'that stays open for too long',
      'schema',
      () => ({ expires_at: new Date(Date.now() + 4 * 86_400_000).toISOString() }),
    ],
  ])('%s', async (_what, code, change) => {
    const { opened, a, b } = await three();
    await using log = opened;
    await log.round([a, b]);
    const payload = { ...log.next(), ...change(log.bound()) } as RegistryPayload;
    const { hash } = canonicalPayload(payload);
    const auth = signRequest(a.key, a.id, { action: 'propose', log: LOG, subject: hash }, new Date());
    await expect(log.writes.propose({ payload, payload_b3: hash, auth })).rejects.toEqual(refused(code));
    expect(await audited(log, 1)).toEqual([code]);
    expect(log.log.head.version).toBe(1);
  });

  it('whose hash is not the one sent', async () => {
    const { opened, a } = await three();
    await using log = opened;
    const payload = log.next();
    const claimed = `b3:${'1'.repeat(64)}`;
    const auth = log.auth(a, 'propose', claimed);
    await expect(log.writes.propose({ payload, payload_b3: claimed, auth })).rejects.toEqual(refused('hash_mismatch'));
  });

  it('over the bound of open ones of a signer, and says when to come again', async () => {
    const { opened, a, b, c } = await three();
    await using log = opened;
    const propose = (id: string, by: TestSigner) => log.propose(log.next([{ id, kind: 'node' }]), by);
    for (const [who, signer] of [a, b, c].entries()) {
      for (let i = 0; i < 21; i += 1) await propose(`n${who}-${i}`, signer);
    }
    await expect(propose('more', a)).rejects.toMatchObject({
      code: 'saturated',
      reason: 'pending_of_signer',
      retryAfterMs: expect.any(Number) as number,
    });
  });

  it('over the bound of open ones of all signers, and says when to come again', async () => {
    const { opened, a } = await three();
    await using log = opened;
    const { store } = log.log;
    // The parts of the signers in force never add up to more: these are of some that are in force no more.
    for (let i = 0; i < LIMITS.registry_pending_proposals.value; i += 1) {
      const payload = log.next([{ id: `n${i}`, kind: 'node' }]);
      const { hash, text } = canonicalPayload(payload);
      const outcome = await store.propose({
        nonce: `n${i}`,
        nonceExpiresAt: Date.now() + 60_000,
        payloadHash: hash,
        text,
        version: payload.version,
        prevHash: payload.prev_hash,
        kind: payload.kind,
        expiresAt: Date.parse(payload.expires_at),
        proposedBy: `org:gone#key${i}`,
        pendingMax: LIMITS.registry_pending_proposals.value,
        pendingOfSigner: 1,
        audit: log.audit.fact({ kind: 'propose', actor: null, subject: hash }),
      });
      expect(outcome).toBe('created');
    }
    await expect(log.propose(log.next([{ id: 'more', kind: 'node' }]), a)).rejects.toMatchObject({
      code: 'saturated',
      reason: 'pending_proposals',
      retryAfterMs: expect.any(Number) as number,
    });
  });

  it('that supersedes anything but the head', async () => {
    const { opened, a, b } = await three();
    await using log = opened;
    const first = await log.round([a, b]);
    await log.round([a, b]);
    const supersede = { kind: 'supersede' as const, reason: 'data_error' as const, note: '', items: [] };
    const wrong = { ...log.bound(), ...supersede, supersede_of: first.committed.entry_b3 };
    await expect(log.propose(wrong, a)).rejects.toEqual(refused('chain_mismatch', 'supersede_of'));
    const right = { ...log.bound(), ...supersede, supersede_of: log.log.head.entry_b3 ?? '' };
    expect((await log.round([a, b], right)).committed.version).toBe(3);
  });

  it('that brings a key nobody shows to hold, a weak key, or a quorum that cannot be reached', async () => {
    const { opened, a, b, c } = await three();
    await using log = opened;
    const members = [a, b, c].map((signer) => signer.member());
    const [first, second] = members;
    if (first === undefined || second === undefined) throw new Error('members');
    const rotate = (signersIn: typeof members, m = 2, kPq = 0): RegistryPayload => ({
      ...log.bound(),
      kind: 'signers',
      m,
      k_pq: kPq,
      signers: signersIn,
    });
    const weak = { ...first, public_key: `01${'00'.repeat(31)}` };
    for (const [payload, code, reason] of [
      [rotate([{ ...first, possession: second.possession }, second]), 'bad_key', 'possession'],
      [rotate([weak, second]), 'bad_key', 'small_order'],
      [rotate([first, { ...second, signer_id: first.signer_id }]), 'schema', 'duplicate_id'],
      [rotate([first, { ...first, signer_id: 'org:test#copy' }]), 'bad_key', 'duplicate_key'],
      [rotate([first, second], 3), 'schema', 'quorum'],
      [rotate([first, second], 1, 1), 'schema', 'quorum'],
    ] as const) {
      await expect(log.propose(payload, a)).rejects.toEqual(refused(code, reason));
    }
  });
});

describe('a request is refused', () => {
  it('of a stranger, expired, too far ahead, for another action, changed, or with another key', async () => {
    const { opened, a, b, stranger } = await three();
    await using log = opened;
    const payload = log.next();
    const subject = canonicalPayload(payload).hash;
    const target = { action: 'propose', log: LOG, subject } as const;
    const now = new Date();
    const good = signRequest(a.key, a.id, target, now);
    for (const [auth, code] of [
      [signRequest(stranger.key, stranger.id, target, now), 'unknown_signer'],
      [signRequest(stranger.key, a.id, target, now), 'bad_signature'],
      [signRequest(a.key, a.id, target, now, -1), 'expired'],
      [signRequest(a.key, a.id, target, now, 3_600_000), 'schema'],
      [signRequest(a.key, a.id, { ...target, action: 'commit' }, now), 'bad_signature'],
      [signRequest(a.key, a.id, { ...target, log: 'other.example/log' }, now), 'bad_signature'],
      [{ ...good, nonce: '0'.repeat(32) }, 'bad_signature'],
      [{ ...good, signer_id: b.id }, 'bad_signature'],
      [{ ...good, sig: Buffer.alloc(64).toString('base64') }, 'bad_signature'],
    ] as const) {
      await expect(log.writes.propose({ payload, payload_b3: subject, auth })).rejects.toEqual(refused(code));
    }
    expect(await audited(log, 9)).toContain('unknown_signer');
    expect(log.proposals.open(Date.now())).toEqual([]);
  });

  it('of a signer who asks too often', async () => {
    const members = signers(1);
    await using log = await TestLog.open({ members, m: 1, ratePerSecond: 1 });
    const [a] = members;
    if (a === undefined) throw new Error('signer');
    for (let i = 0; i < 5; i += 1) await log.propose(log.next([{ id: `n${i}`, kind: 'node' }]), a);
    await expect(log.propose(log.next([{ id: 'n6', kind: 'node' }]), a)).rejects.toMatchObject({
      code: 'quota',
      retryAfterMs: expect.any(Number) as number,
    });
  });
});

describe('the rate of a signer', () => {
  it('is forgotten with a signer that a rotation removes', async () => {
    const members = signers(2);
    const [a, b] = members;
    if (a === undefined || b === undefined) throw new Error('signers');
    await using log = await TestLog.open({ members, m: 1, ratePerSecond: 1 });
    const rotate = (to: readonly TestSigner[]): RegistryPayload => ({
      ...log.bound(),
      kind: 'signers',
      m: 1,
      k_pq: 0,
      signers: to.map((one) => one.member()),
    });
    const propose = (id: string) => log.propose(log.next([{ id, kind: 'node' }]), a);
    for (let at = 0; at < 5; at += 1) await propose(`n${at}`);
    await expect(propose('more')).rejects.toEqual(refused('quota', 'signer_rate'));
    await log.round([b], rotate([b]));
    await log.round([b], rotate([a, b]));
    for (let at = 0; at < 5; at += 1) await propose(`again${at}`);
  });
});

describe('an approval is refused', () => {
  it('that was made for another proposal, another purpose, by a stranger, or with a signature that is not canonical', async () => {
    const { opened, a, b, stranger } = await three();
    await using log = opened;
    const id = await log.propose(log.next(), a);
    const other = await log.propose(log.next([{ id: 'other', kind: 'node' }]), a);
    const send = (approval: ReturnType<typeof approve>) =>
      log.writes.approve(id, { approval, auth: log.auth(a, 'approve', approvalSubject(id, approval)) });
    const now = new Date();
    const good = approve(b.key, b.id, id, now);
    const raw = Buffer.from(good.sig, 'base64');
    // S + L: the same signature to a verifier that does not insist on the reduced S (RFC 8032, 5.1.7).
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const s = BigInt(`0x${Buffer.from(raw.subarray(32)).reverse().toString('hex')}`) + order;
    const unreduced = Buffer.concat([
      raw.subarray(0, 32),
      Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse(),
    ]);
    const bad = [
      [approve(b.key, b.id, other, now), 'bad_signature'],
      [{ ...good, sig: b.key.sign('ron:index:name:v1\n', `${id}\n`) }, 'bad_signature'],
      [approve(stranger.key, b.id, id, now), 'bad_signature'],
      [approve(stranger.key, stranger.id, id, now), 'unknown_signer'],
      [{ ...good, algo: 'ml-dsa-44' as const }, 'unknown_signer'],
      [{ ...good, sig: unreduced.toString('base64') }, 'bad_signature'],
    ] as const;
    for (const [approval, code] of bad) await expect(send(approval)).rejects.toEqual(refused(code));
    expect(await audited(log, bad.length)).toEqual(bad.map(([, code]) => code));
    await send(good);
    expect((await send(good)).approvals).toHaveLength(1);
  });

  it('of a signer who approved already with another signature', async () => {
    const members = [new TestSigner('org:pq#1', 'ml-dsa-44')];
    await using log = await TestLog.open({ members, m: 1 });
    const [a] = members;
    if (a === undefined) throw new Error('signer');
    const id = await log.propose(log.next(), a);
    await log.approve(id, a);
    // ML-DSA is randomized: the same key signs the same payload differently each time.
    await expect(log.approve(id, a)).rejects.toEqual(refused('signer_conflict'));
  });

  it('of a proposal that is over, or that is not there', async () => {
    const { opened, a, b } = await three();
    await using log = opened;
    const id = await log.propose(log.next(), a);
    await log.approve(id, a);
    await log.approve(id, b);
    const late = await log.propose(log.next([{ id: 'late', kind: 'node' }]), a);
    await log.commit(id, a);
    await expect(log.approve(late, b)).rejects.toEqual(refused('chain_mismatch'));
    await expect(log.approve(`b3:${'2'.repeat(64)}`, b)).rejects.toEqual(refused('not_found'));
  });
});

describe('a key that is revoked', () => {
  it('counts no more, though it approved before', async () => {
    const { opened, a, b, c } = await three();
    await using log = opened;
    const id = await log.propose(log.next(), a);
    await log.approve(id, b);
    await log.approve(id, c);
    const rotation: RegistryPayload = {
      ...log.bound(),
      kind: 'signers',
      m: 1,
      k_pq: 0,
      signers: [a.member()],
    };
    await log.round([a, b], rotation);
    expect(log.log.signerSet).toMatchObject({ version: 1, m: 1 });
    await expect(log.commit(id, a)).rejects.toEqual(refused('revoked_key'));
    await expect(log.propose(log.next(), b)).rejects.toEqual(refused('unknown_signer'));
    await log.round([a]);
    expect(log.log.head.version).toBe(2);
  });

  it('approves no proposal that is open, whoever brings its approval', async () => {
    const { opened, a, b } = await three();
    await using log = opened;
    const signersIn = [a.member()];
    await log.round([a, b], { ...log.bound(), kind: 'signers', m: 1, k_pq: 0, signers: signersIn });
    const id = await log.propose(log.next(), a);
    await expect(log.approve(id, b)).rejects.toEqual(refused('unknown_signer'));
    await expect(log.approve(id, b, a)).rejects.toEqual(refused('unknown_signer'));
    expect(log.proposals.shown(id)).toMatchObject({ state: 'open', approvals: [] });
    expect((await log.approve(id, a)).quorum.met).toBe(true);
  });
});

describe('a rotation', () => {
  it('needs the quorum of the old set and that of the new one', async () => {
    const { opened, a, b, c } = await three();
    await using log = opened;
    const [x, y] = [new TestSigner('org:new#1'), new TestSigner('org:new#2', 'ml-dsa-44')];
    const rotation: RegistryPayload = {
      ...log.bound(),
      kind: 'signers',
      m: 2,
      k_pq: 1,
      signers: [c.member(), x.member(), y.member()],
    };
    const id = await log.propose(rotation, a);
    await log.approve(id, a);
    await log.approve(id, b);
    await expect(log.commit(id, a)).rejects.toEqual(refused('quorum_failed'));
    // A signer of the new set has no say yet: one of the old brings its approval.
    await log.approve(id, x, a);
    await log.approve(id, c);
    await expect(log.commit(id, a)).rejects.toEqual(refused('quorum_failed'));
    const shown = await log.approve(id, y, a);
    expect(shown.quorum).toMatchObject({ met: true, incoming: { approved: 3, approved_pq: 1 } });
    expect((await log.commit(id, a)).committed.version).toBe(1);
    expect(log.log.signerSet).toMatchObject({ version: 1, k_pq: 1 });
  });
});

describe('a rotation that gives a signer another key', () => {
  it('is refused: the new key needs an id of its own', async () => {
    const { opened, a, b, c } = await three();
    await using log = opened;
    const rotateTo = (signer: TestSigner): RegistryPayload => ({
      ...log.bound(),
      kind: 'signers',
      m: 2,
      k_pq: 0,
      signers: [signer, b, c].map((one) => one.member()),
    });
    await expect(log.propose(rotateTo(new TestSigner(a.id)), a)).rejects.toEqual(refused('schema', 'rekeyed'));
    const fresh = new TestSigner('org:test#key1b');
    expect((await log.round([b, c], rotateTo(fresh))).committed.version).toBe(1);
    await log.round([fresh, b]);
  });
});

describe('a refusal in the audit chain', () => {
  it('names as its actor only who has shown to be one', async () => {
    const { opened, a, b, stranger } = await three();
    await using log = opened;
    const id = await log.propose(log.next(), a);
    await expect(log.commit(id, b)).rejects.toEqual(refused('quorum_failed'));
    const auth = signRequest(stranger.key, a.id, { action: 'commit', log: LOG, subject: id }, new Date());
    await expect(log.writes.commit(id, { auth })).rejects.toEqual(refused('bad_signature'));
    await audited(log, 2);
    const records = log.log.store.auditRecords(0, 100).map((text) => JSON.parse(text) as Record<string, unknown>);
    expect(records.filter(({ kind }) => kind === 'refuse')).toMatchObject([
      { actor: b.id, reason: 'quorum_failed', attrs: { action: 'commit' } },
      { actor: null, reason: 'bad_signature', attrs: { action: 'commit', claimed: a.id } },
    ]);
  });
});

describe('a request somebody caught', () => {
  it('does not use up the rate of its signer', async () => {
    const members = signers(1);
    const [a] = members;
    if (a === undefined) throw new Error('signer');
    await using log = await TestLog.open({ members, m: 1, ratePerSecond: 1 });
    const id = await log.propose(log.next(), a);
    await log.approve(id, a);
    const auth = log.auth(a, 'commit', id);
    await log.writes.commit(id, { auth });
    for (let at = 0; at < 20; at += 1) {
      await expect(log.writes.commit(id, { auth })).rejects.toEqual(refused('replayed'));
    }
    expect((await log.commit(id, a)).created).toBe(false);
  });
});

describe('a log that is sealed', () => {
  it('takes nothing more, and answers its last commit again', async () => {
    const { opened, a, b } = await three();
    await using log = opened;
    const seal: RegistryPayload = { ...log.bound(), kind: 'seal', successor: { log: 'next.example/log', vkey: 'x' } };
    const id = await log.propose(seal, a);
    await log.approve(id, a);
    await log.approve(id, b);
    await log.commit(id, a);
    await expect(log.propose(log.next(), a)).rejects.toEqual(refused('sealed'));
    expect((await log.commit(id, b)).created).toBe(false);
  });
});

describe('a quorum with post-quantum keys', () => {
  it('is not met by others, however many', async () => {
    const members = [...signers(3), new TestSigner('org:pq#1', 'ml-dsa-44')];
    await using log = await TestLog.open({ members, m: 2, kPq: 1 });
    const [a, b, c, pq] = members;
    if (a === undefined || b === undefined || c === undefined || pq === undefined) throw new Error('signers');
    const id = await log.propose(log.next(), a);
    for (const signer of [a, b, c]) await log.approve(id, signer);
    await expect(log.commit(id, a)).rejects.toEqual(refused('quorum_failed'));
    await log.approve(id, pq);
    expect((await log.commit(id, a)).created).toBe(true);
  });
});
