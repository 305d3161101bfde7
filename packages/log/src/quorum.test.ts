import fc from 'fast-check';
import { generateKey, type SigningKey } from '@macronode/keys';
import type { RegistryApproval, Signer } from '@macronode/contracts';
import { describe, expect, it } from 'vitest';
import { approve, verifyApproval } from './approval.ts';
import { quorumOf } from './quorum.ts';
import { canonicalHash } from './signed-hash.ts';
import { admitSignerSet, signerOf, SignerSetRefused, type SignerSet } from './signer-set.ts';

const LOG = 'registry.example/main';
const keys = Array.from({ length: 6 }, (_, at) => generateKey(at % 2 === 0 ? 'ed25519' : 'ml-dsa-44'));
const members = keys.map((key, at) => signerOf(key, LOG, `org:m#${at}`));

const approvalBy = (at: number): RegistryApproval => {
  const { signer_id, algo } = members[at] ?? { signer_id: 'org:nobody#1', algo: 'ed25519' as const };
  return { signer_id, algo, sig: '', signed_at: '2030-01-01T00:00:00Z' };
};
const setOf = (indexes: readonly number[], m: number, kPq: number, version = 0): SignerSet => ({
  version,
  m,
  k_pq: kPq,
  signers: indexes.flatMap((at) => members[at] ?? []),
});
/** As if every signature were good. */
const any = (): boolean => true;
const indexes = fc.uniqueArray(fc.nat(5), { minLength: 1 });

describe('a quorum', () => {
  it('is met exactly when enough distinct members approved, enough of them post-quantum', () => {
    fc.assert(
      fc.property(indexes, fc.array(fc.nat(8)), fc.integer({ min: 1, max: 6 }), fc.nat(3), (set, by, m, kPq) => {
        const approved = set.filter((at) => by.includes(at));
        const pq = approved.filter((at) => at % 2 === 1).length;
        const result = quorumOf(setOf(set, m, kPq), undefined, by.map(approvalBy), any);
        expect(result).toMatchObject({ approved: approved.length, approved_pq: pq, n: set.length });
        expect(result.met).toBe(approved.length >= m && pq >= kPq);
      }),
    );
  });

  it('of a rotation is met exactly when both are', () => {
    fc.assert(
      fc.property(indexes, indexes, fc.array(fc.nat(6)), fc.integer({ min: 1, max: 4 }), (old, next, by, m) => {
        const [from, to] = [setOf(old, m, 0), setOf(next, m, 0, 1)];
        const approvals = by.map(approvalBy);
        const alone = [from, to].map((set) => quorumOf(set, undefined, approvals, any).met);
        expect(quorumOf(from, to, approvals, any).met).toBe(alone.every(Boolean));
      }),
    );
  });

  it('does not count an approval that says another algorithm', () => {
    const approval = { ...approvalBy(0), algo: 'ml-dsa-44' as const };
    expect(quorumOf(setOf([0], 1, 0), undefined, [approval], any).met).toBe(false);
  });
});

describe('a signer who takes another key', () => {
  it('counts for the set whose key signed, and for no other', () => {
    const [old, fresh, other] = [generateKey('ed25519'), generateKey('ed25519'), generateKey('ed25519')];
    const hash = canonicalHash({ payload: 1 });
    const from = {
      version: 0,
      m: 2,
      k_pq: 0,
      signers: [signerOf(old, LOG, 'org:a#1'), signerOf(other, LOG, 'org:b#1')],
    };
    const to = {
      version: 1,
      m: 2,
      k_pq: 0,
      signers: [signerOf(fresh, LOG, 'org:a#1'), signerOf(other, LOG, 'org:b#1')],
    };
    const verifies = (signer: Signer, approval: RegistryApproval): boolean => verifyApproval(signer, hash, approval);
    const by = (key: SigningKey) => [
      approve(key, 'org:a#1', hash, new Date(0)),
      approve(other, 'org:b#1', hash, new Date(0)),
    ];
    expect(quorumOf(from, to, by(old), verifies)).toMatchObject({ approved: 2, incoming: { approved: 1 }, met: false });
    expect(quorumOf(from, to, by(fresh), verifies)).toMatchObject({
      approved: 1,
      incoming: { approved: 2 },
      met: false,
    });
  });
});

describe('admitSignerSet', () => {
  it('lets in a set whose members hold their keys', () => {
    admitSignerSet(LOG, setOf([0, 1, 2], 2, 1));
  });

  it('refuses a proof of possession that was made for another log, id or key', () => {
    const [key] = keys;
    if (key === undefined) throw new Error('key');
    const good = signerOf(key, LOG, 'org:m#0');
    const others = [
      signerOf(key, 'other.example/log', 'org:m#0'),
      { ...good, signer_id: 'org:m#9' },
      { ...good, possession: members[1]?.possession ?? '' },
      { ...good, public_key: members[2]?.public_key ?? '' },
    ];
    for (const signer of others) {
      const admit = (): void => admitSignerSet(LOG, { m: 1, k_pq: 0, signers: [signer] });
      expect(admit).toThrow(SignerSetRefused);
      expect(admit).toThrow('possession' in signer ? /held/ : /./);
    }
  });
});
