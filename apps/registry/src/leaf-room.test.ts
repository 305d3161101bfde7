import { describe, expect, it } from 'vitest';
import { approve, canonicalPayload, EntryTooLarge } from '@macronode/log';
import { fittingLeaf, rotationFits } from './leaf-room.ts';
import { LOG, signers, type TestSigner } from './log-fixture.ts';

const payload = {
  schema_version: '1.0.0' as const,
  log: LOG,
  version: 1,
  prev_hash: null,
  signer_set_version: 0,
  expires_at: '2030-01-01T00:00:00Z',
  kind: 'set' as const,
  items: [{ id: 'n', kind: 'node' }],
};
const canonical = canonicalPayload(payload);
const of = (members: readonly TestSigner[], m: number, version = 0) => ({
  version,
  m,
  k_pq: 0,
  signers: members.map((one) => one.member()),
});

describe('a leaf', () => {
  it('leaves the longest approvals out that are not needed, when it has no room for all', () => {
    const [pq] = signers(1, 'ml-dsa-44');
    const [ed] = signers(1);
    if (pq === undefined || ed === undefined) throw new Error('signers');
    const long = approve(pq.key, pq.id, canonical.hash, new Date(0));
    const approvals = [
      approve(ed.key, 'org:ed#1', canonical.hash, new Date(0)),
      ...Array.from({ length: 20 }, (_, at) => ({ ...long, signer_id: `org:pq#${at}` })),
    ];
    const twelve = (kept: readonly unknown[]): boolean => kept.length >= 12;
    const { leaf, text } = fittingLeaf(payload, canonical, approvals, new Date(0), twelve);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(65_535);
    expect(leaf.approvals.length).toBeGreaterThanOrEqual(12);
    expect(leaf.approvals[0]?.signer_id).toBe('org:ed#1');
    const all = (kept: readonly unknown[]): boolean => kept.length >= 21;
    expect(() => fittingLeaf(payload, canonical, approvals, new Date(0), all)).toThrow(EntryTooLarge);
  });
});

describe('a rotation', () => {
  it('has room when both quorums have, and none when they cannot', () => {
    const [old, next] = [signers(10, 'ml-dsa-44'), signers(10, 'ml-dsa-44')];
    expect(rotationFits(of(old, 4), of(next, 4, 1))).toBe(true);
    expect(rotationFits(of(old, 10), of(next, 10, 1))).toBe(false);
    expect(rotationFits(of(old, 10), of(old, 10, 1))).toBe(true);
    expect(rotationFits(of(signers(16), 16), of(signers(16), 16, 1))).toBe(true);
  });
});
