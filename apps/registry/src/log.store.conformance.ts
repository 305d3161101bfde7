import { describe, expect, it } from 'vitest';
import type { AppendEntry, AuditFact, LogStore } from './log.store.ts';

const fact = (kind: AuditFact['kind'] = 'commit'): AuditFact => ({
  at: 1_000,
  writerId: 'w',
  kind,
  actor: 'org:a#1',
  subject: null,
  reason: null,
  attrs: {},
});
let nonces = 0;
const nonce = (expiresAt = 10_000) => {
  nonces += 1;
  return { nonce: String(nonces), nonceExpiresAt: expiresAt };
};
export const proposal = (hash: string, version = 1, expiresAt = 5_000, prevHash: string | null = null) => ({
  ...nonce(),
  payloadHash: hash,
  text: `{"of":"${hash}"}`,
  version,
  prevHash,
  kind: 'set',
  expiresAt,
  proposedBy: 'org:a#1',
  pendingMax: 3,
  pendingOfSigner: 64,
  audit: fact('propose'),
});
export const entry = (version: number, prevHash: string | null, payloadHash: string): AppendEntry => ({
  ...nonce(),
  version,
  prevHash,
  leaf: `{"version":${version}}`,
  entryHash: `e${version}`,
  leafHash: Buffer.alloc(32, version),
  root: Buffer.alloc(32, 100 + version),
  payloadHash,
  kind: 'set',
  lockedOutside: false,
  audit: fact(),
});
const approval = (payloadHash: string, sig: string) => ({
  ...nonce(),
  payloadHash,
  signerId: 'org:a#1',
  body: JSON.stringify({ signer_id: 'org:a#1', algo: 'ed25519', sig, signed_at: '2030-01-01T00:00:00Z' }),
  sameSignature: `"sig":"${sig}"`,
  audit: fact('approve'),
});

/** What every driver of a log does. `open` gives an empty one; it is closed by the suite. */
export function logStoreConformance(open: () => Promise<LogStore>): void {
  const within = async (work: (store: LogStore) => Promise<void>): Promise<void> => {
    const store = await open();
    try {
      await work(store);
    } finally {
      await store.close();
    }
  };

  describe('a log store', () => {
    it('moves its head by compare-and-swap, and remembers the root of each size', () =>
      within(async (store) => {
        await store.propose(proposal('p1'));
        await store.propose(proposal('p2'));
        expect(await store.append(entry(2, null, 'p1'))).toEqual({ outcome: 'cas' });
        expect(await store.append(entry(1, 'e0', 'p1'))).toEqual({ outcome: 'cas' });
        expect(await store.append(entry(1, null, 'p1'))).toEqual({ outcome: 'committed', stale: 1 });
        expect(await store.append(entry(1, null, 'p2'))).toEqual({ outcome: 'cas' });
        expect(store.head()).toMatchObject({ version: 1, entryHash: 'e1' });
        expect(store.entry(1)).toMatchObject({ leaf: '{"version":1}', payload: '{"of":"p1"}' });
        expect(store.versionOf('p1')).toBe(1);
        expect(store.proposal('p2')?.state).toBe('stale');
        expect([...(store.signedRoot(1) ?? [])]).toEqual([...Buffer.alloc(32, 101)]);
        expect([...store.leafHashes()].map((hash) => hash[0])).toEqual([1]);
      }));

    it('lets one of eight contenders move the head', () =>
      within(async (store) => {
        for (let at = 0; at < 8; at += 1) await store.propose({ ...proposal(`p${at}`), pendingMax: 8 });
        const outcomes = await Promise.all(
          Array.from({ length: 8 }, (_, at) => store.append(entry(1, null, `p${at}`))),
        );
        expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual([...Array<string>(7).fill('cas'), 'committed']);
        expect(store.auditRecords(0, 100).filter((text) => text.includes('"commit"'))).toHaveLength(1);
      }));

    it('takes a nonce once, whatever it is used for, and takes nothing of a change it refuses', () =>
      within(async (store) => {
        const first = proposal('p1');
        expect(await store.propose(first)).toBe('created');
        expect(await store.propose({ ...proposal('p2'), nonce: first.nonce })).toBe('replayed');
        expect(await store.approve({ ...approval('p1', 's'), nonce: first.nonce })).toBe('replayed');
        expect(await store.append({ ...entry(1, null, 'p1'), nonce: first.nonce })).toEqual({ outcome: 'replayed' });
        expect(await store.freeze({ nonce: first.nonce, nonceExpiresAt: 1, frozen: true, audit: fact() })).toBe(
          'replayed',
        );
        expect([store.proposal('p2'), store.approvals('p1'), store.head(), store.frozen()]).toEqual([
          undefined,
          [],
          undefined,
          false,
        ]);
      }));

    it('knows a proposal and an approval it has', () =>
      within(async (store) => {
        expect(await store.propose(proposal('p1'))).toBe('created');
        expect(await store.propose(proposal('p1'))).toBe('repeated');
        expect(await store.approve(approval('p1', 'c2ln'))).toBe('added');
        expect(await store.approve(approval('p1', 'c2ln'))).toBe('repeated');
        expect(await store.approve(approval('p1', 'b3Ro'))).toBe('conflict');
        expect(await store.approve(approval('p9', 'c2ln'))).toBe('settled');
        expect(store.approvals('p1').map(({ sig }) => sig)).toEqual(['c2ln']);
      }));

    it('bounds what is open, and ends what is over its time', () =>
      within(async (store) => {
        for (const hash of ['p1', 'p2', 'p3']) await store.propose(proposal(hash, 1, hash === 'p1' ? 500 : 5_000));
        expect(await store.propose(proposal('p4'))).toBe('full');
        expect(await store.expire(fact('expire'))).toBe(1);
        expect(await store.propose(proposal('p5'))).toBe('created');
        expect(
          store
            .openProposals()
            .map(({ payloadHash }) => payloadHash)
            .sort(),
        ).toEqual(['p2', 'p3', 'p5']);
        expect(store.proposal('p1')?.state).toBe('expired');
      }));

    it('links its audit records, and removes in steps what is settled', () =>
      within(async (store) => {
        await store.propose(proposal('p1'));
        await store.propose(proposal('p2'));
        await store.append(entry(1, null, 'p1'));
        const records = store.auditRecords(0, 10).map((text) => JSON.parse(text) as Record<string, unknown>);
        expect(records.map(({ seq }) => seq)).toEqual([1, 2, 3]);
        expect(records.map(({ prev }) => prev)).toEqual(['b3:0', records[0]?.['self_hash'], records[1]?.['self_hash']]);
        const step = { now: 400_000, settledBefore: 2_000, auditKeep: 1, rows: 2 };
        let removed = 0;
        for (let at = 0; at < 5; at += 1) removed += await store.compact(step);
        // Two proposals, three nonces, two audit records.
        expect(removed).toBe(7);
        expect(await store.compact(step)).toBe(0);
        expect(store.entry(1)?.payload).toBe('{"of":"p1"}');
        expect(store.payload('p2')).toBeUndefined();
        expect(store.auditRecords(0, 10)).toHaveLength(1);
      }));

    it('takes while it is frozen a rotation and nothing else', () =>
      within(async (store) => {
        await store.propose(proposal('p1'));
        await store.freeze({ ...nonce(), frozen: true, audit: fact('freeze') });
        expect(await store.propose(proposal('p2'))).toBe('frozen');
        expect(await store.approve(approval('p1', 'c2ln'))).toBe('frozen');
        expect(await store.append(entry(1, null, 'p1'))).toEqual({ outcome: 'frozen' });
        expect(await store.propose({ ...proposal('r1'), kind: 'signers' })).toBe('created');
        expect(await store.approve(approval('r1', 'c2ln'))).toBe('added');
        expect(await store.append({ ...entry(1, null, 'r1'), kind: 'signers' })).toMatchObject({
          outcome: 'committed',
        });
      }));

    it('refuses a proposal for a head that has moved', () =>
      within(async (store) => {
        await store.propose(proposal('p1'));
        await store.append(entry(1, null, 'p1'));
        expect(await store.propose(proposal('p2'))).toBe('cas');
        expect(await store.propose(proposal('p3', 2, 5_000, 'e1'))).toBe('created');
      }));

    it('reads ahead no more than it must: long entries come one by one, and all of them', () =>
      within(async (store) => {
        let prev: string | null = null;
        for (let version = 1; version <= 5; version += 1) {
          const hash = `p${version}`;
          await store.propose({ ...proposal(hash, version, 5_000, prev), text: `"${'x'.repeat(700_000)}"` });
          await store.append(entry(version, prev, hash));
          prev = `e${version}`;
        }
        expect([...store.entries(0, 10)].map(({ version }) => version)).toEqual([1, 2, 3, 4, 5]);
        expect([...store.entries(1, 2)].map(({ version }) => version)).toEqual([2, 3]);
      }));

    it('remembers a nonce well beyond its time, and that a lock was told', () =>
      within(async (store) => {
        const used = proposal('p1');
        await store.propose(used);
        expect(store.nonceUsed(used.nonce)).toBe(true);
        const step = { settledBefore: 0, auditKeep: 100, rows: 10 };
        await store.compact({ ...step, now: used.nonceExpiresAt + 60_000 });
        expect(store.nonceUsed(used.nonce)).toBe(true);
        await store.compact({ ...step, now: used.nonceExpiresAt + 300_001 });
        expect(store.nonceUsed(used.nonce)).toBe(false);
        expect(store.lockedOutside()).toBe(false);
        await store.append({ ...entry(1, null, 'p1'), lockedOutside: true });
        expect(store.lockedOutside()).toBe(true);
      }));

    it('adopts what continues it', () =>
      within(async (store) => {
        const adopted = (version: number, prevHash: string | null) => ({
          version,
          prevHash,
          leaf: '{}',
          entryHash: `e${version}`,
          leafHash: Buffer.alloc(32),
          payloadHash: `p${version}`,
          payload: '{}',
        });
        expect(await store.adopt([adopted(1, null), adopted(2, 'e1')])).toBe(2);
        expect(await store.adopt([adopted(2, 'e1'), adopted(3, 'e2')])).toBe(3);
        await expect(store.adopt([adopted(5, 'e3')])).rejects.toThrow('does not continue');
        await expect(store.adopt([adopted(4, 'other')])).rejects.toThrow('does not continue');
        expect([...store.entries(1, 10)].map(({ version }) => version)).toEqual([2, 3]);
      }));

    it('counts the descriptors of all entries, whatever brought them', () =>
      within(async (store) => {
        const items = (count: number): string => JSON.stringify({ items: Array.from({ length: count }, () => ({})) });
        expect(store.descriptors()).toBe(0);
        await store.propose({ ...proposal('p1'), text: items(3) });
        await store.append(entry(1, null, 'p1'));
        await store.propose(proposal('p2', 2, 5_000, 'e1'));
        await store.append(entry(2, 'e1', 'p2'));
        expect(store.descriptors()).toBe(3);
        const third = { version: 3, prevHash: 'e2', leaf: '{}', entryHash: 'e3', leafHash: Buffer.alloc(32) };
        await store.adopt([{ ...third, payloadHash: 'p3', payload: items(4) }]);
        expect(store.descriptors()).toBe(7);
      }));

    it('begins once', () =>
      within(async (store) => {
        const genesis = { text: 'g', signers: '{"m":1,"k_pq":0,"signers":[]}' };
        const identity = { log: 'a.example/log', genesis, audit: fact('genesis') };
        expect(await store.identify({ ...identity, genesis: undefined })).toBe('known');
        expect(await store.identify(identity)).toBe('created');
        expect(await store.identify(identity)).toBe('known');
        expect(await store.identify({ ...identity, genesis: { ...genesis, text: 'h' } })).toBe('conflict');
        expect(store.logName()).toBe('a.example/log');
        expect(store.signerSet(9)).toMatchObject({ version: 0, m: 1 });
      }));
  });
}
