import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { A_CLAIM, GatedNode, KEYS, START_MS } from './claim-fixture.ts';
import { ClaimSource } from './claim-source.ts';
import { isSigned } from './envelope.ts';

const key = KEYS[0]!;

describe('ClaimSource', () => {
  it('counts up whatever the clock does', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -7_200_000, max: 7_200_000 }), { minLength: 2, maxLength: 12 }),
        (steps) => {
          let now = START_MS;
          const source = new ClaimSource(key, () => now);
          const seqs = steps.map((step) => {
            now += step;
            const envelope = source.sign(A_CLAIM);
            expect(envelope.madeAtMs).toBe(now);
            return envelope.seq;
          });
          for (const [i, seq] of seqs.entries()) if (i > 0) expect(seq).toBeGreaterThan(seqs[i - 1]!);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('is past all it said before after a restart a ms later', () => {
    let now = START_MS;
    const before = new ClaimSource(key, () => now);
    const last = Array.from({ length: 50 }, () => before.sign(A_CLAIM).seq).at(-1)!;
    now += 1;
    expect(new ClaimSource(key, () => now).sign(A_CLAIM).seq).toBeGreaterThan(last);
  });

  it('learns after a restart with a clock that is behind how far it had come', () => {
    const node = new GatedNode();
    const held = new ClaimSource(key, () => START_MS).sign(A_CLAIM);
    node.receive(held);
    const restarted = new ClaimSource(key, () => START_MS - 3_600_000);
    expect(node.receive(restarted.sign({ ...A_CLAIM, score: 0.9 }))).toBe('stale');
    restarted.observed(held.seq);
    restarted.observed(1);
    expect(node.receive(restarted.sign({ ...A_CLAIM, score: 0.9 }))).toBe('merged');
    expect(node.table.find({ limit: 9 }).map(({ score }) => score)).toEqual([0.9]);
  });

  it('does not follow a number no node would take', () => {
    const source = new ClaimSource(key, () => START_MS);
    source.observed((START_MS + 86_400_000) * 1_024 + 1);
    expect(source.sign(A_CLAIM).seq).toBe(START_MS * 1_024);
    source.observed((START_MS + 86_400_000) * 1_024);
    expect(source.sign(A_CLAIM).seq).toBe((START_MS + 86_400_000) * 1_024 + 1);
  });

  it('uses no number for a claim it cannot sign', () => {
    const source = new ClaimSource(key, () => START_MS);
    const first = source.sign(A_CLAIM);
    expect(() => source.sign({ ...A_CLAIM, subject: 'x' })).toThrow('subject');
    expect(source.sign(A_CLAIM).seq).toBe(first.seq + 1);
  });

  it('takes back for as long as a claim can hold', () => {
    const envelope = new ClaimSource(key, () => START_MS + 0.7).revoke('waf_reputation', A_CLAIM.subject);
    expect(envelope).toMatchObject({ revoked: true, score: 0, ttlS: 86_400, madeAtMs: START_MS });
    expect(isSigned(envelope)).toBe(true);
  });
});
