import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MESH_LIMITS } from '../mesh-limits.ts';
import { KEYS, START_MS, enveloped } from './claim-fixture.ts';
import type { Envelope } from './claim.ts';
import { ClaimTable } from './claim-table.ts';
import type { TableLimits } from './claim-table.ts';
import { DIGEST_BUCKETS, DIGEST_BYTES } from './table-digest.ts';

const [a, b, c] = KEYS as [(typeof KEYS)[0], (typeof KEYS)[0], (typeof KEYS)[0]];
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

class Clocked extends ClaimTable {
  readonly clock: { nowMs: number };
  constructor(limits: Partial<TableLimits> = {}) {
    const clock = { nowMs: START_MS };
    super({ limits: { ...MESH_LIMITS, ...limits }, now: () => clock.nowMs });
    this.clock = clock;
  }
  contents(): readonly string[] {
    return this.find({ limit: 1e6 })
      .map(({ bytes }) => Buffer.from(bytes).toString('hex'))
      .sort();
  }
  given(envelopes: Iterable<Envelope>): this {
    for (const envelope of envelopes) this.merge(envelope);
    return this;
  }
}

const address = (n: number): string => `198.51.${n >> 8}.${n & 255}`;

/** Envelopes of three sources over few subjects, so that registers meet; signed once. */
const POOL: readonly Envelope[] = [a, b, c].flatMap((key) =>
  [0, 1, 2, 3].flatMap((n) => [
    enveloped(key, { subject: address(n), score: 0.1 }),
    enveloped(key, { subject: address(n), score: 0.2 }),
    enveloped(key, { subject: address(n), score: 0.3 }, { seq: START_MS * 1_024 + 5 }),
    enveloped(key, { subject: address(n), kind: 'rate_saturation', ttlS: 60 + n }),
    enveloped(key, { subject: address(n) }, { revoked: true, seq: START_MS * 1_024 + n + 3 }),
    enveloped(key, { subject: `service-${n}`, kind: 'upstream_unhealthy' }, { madeAtMs: START_MS - n }),
  ]),
);
const inAnyOrder = fc
  .subarray([...POOL])
  .chain((some) =>
    fc.tuple(
      fc.constant(some),
      fc.shuffledSubarray([...some, ...some], { minLength: some.length * 2, maxLength: some.length * 2 }),
    ),
  );

describe('ClaimTable', () => {
  it('ends the same for any order and duplication of the same envelopes', () => {
    fc.assert(
      fc.property(inAnyOrder, ([some, shuffled]) => {
        const one = new Clocked().given(some);
        const other = new Clocked().given(shuffled);
        expect(other.contents()).toEqual(one.contents());
        expect(other.digest()).toEqual(one.digest());
      }),
      { numRuns: 200 },
    );
  });

  it('has equal digests for equal tables and for no others, and finds what differs', () => {
    fc.assert(
      fc.property(fc.subarray([...POOL]), fc.subarray([...POOL]), (some, others) => {
        const one = new Clocked().given(some);
        const other = new Clocked().given(others);
        const differing = one.differing(other.digest());
        expect(differing.length === 0).toBe(String(one.contents()) === String(other.contents()));
        expect(other.differing(one.digest())).toEqual(differing);
        for (const n of differing) {
          const [from, to] = [[...one.bucket(n)], [...other.bucket(n)]];
          other.given(from);
          one.given(to);
        }
        expect(one.digest()).toEqual(other.digest());
        expect(one.contents()).toEqual(other.contents());
      }),
      { numRuns: 100 },
    );
  });

  it('ends the same at its bound for any order of claims that replace none', () => {
    const claims = KEYS.slice(0, 3).flatMap((key, k) =>
      Array.from({ length: 4 + 3 * k }, (_, n) => enveloped(key, { subject: address(n), ttlS: 60 + ((n * 7) % 5) })),
    );
    const whole = { minLength: claims.length, maxLength: claims.length };
    fc.assert(
      fc.property(fc.shuffledSubarray(claims, whole), fc.nat(10), (shuffled, extra) => {
        const bound = { tableClaims: 8 + extra };
        const one = new Clocked(bound).given(claims);
        expect(new Clocked(bound).given(shuffled).contents()).toEqual(one.contents());
        expect(one.size).toBe(bound.tableClaims);
      }),
    );
  });

  it('gives buckets that make up the whole, as they came', () => {
    const table = new Clocked().given(POOL);
    const all = Array.from({ length: DIGEST_BUCKETS }, (_, n) => [...table.bucket(n)]).flat();
    expect(all.map(({ bytes }) => Buffer.from(bytes).toString('hex')).sort()).toEqual(table.contents());
    expect([...table.bucket(256)]).toEqual([]);
    for (const envelope of all) expect(POOL).toContain(envelope);
  });

  it('refuses what is no digest', () => {
    expect(() => new Clocked().differing(new Uint8Array(DIGEST_BYTES - 1))).toThrow(RangeError);
    expect(new Clocked().differing(new Uint8Array(DIGEST_BYTES))).toEqual([]);
  });

  it('knows the very envelope it holds, not the ones before or after', () => {
    const table = new Clocked();
    const [first, second] = [enveloped(a), enveloped(a, {}, { seq: START_MS * 1_024 + 1 })];
    expect([table.has(first), table.merge(first), table.has(first), table.has(second)]).toEqual([
      false,
      'merged',
      true,
      false,
    ]);
    expect([table.merge(second), table.has(first), table.merge(first), table.size]).toEqual([
      'merged',
      false,
      'stale',
      1,
    ]);
  });

  it('finds by subject, and the first of all', () => {
    const table = new Clocked().given(POOL);
    expect(table.find({ subject: address(2), limit: 100 })).toHaveLength(6);
    expect(table.find({ subject: address(2), limit: 4 })).toHaveLength(4);
    expect(table.find({ subject: 'nobody', limit: 4 })).toEqual([]);
    expect(table.find({ limit: 5 })).toHaveLength(5);
  });
});

describe('what has ended', () => {
  it('stays until no older one can pass the clock gate, and the digest with it', () => {
    const table = new Clocked();
    table.merge(enveloped(a, { ttlS: 60 }));
    const digest = table.digest();
    table.clock.nowMs = START_MS + DAY_MS;
    expect(table.expire()).toBe(0);
    expect(table.digest()).toEqual(digest);
    table.clock.nowMs += 60_000;
    expect(table.expire()).toBe(1);
    expect(table.size).toBe(0);
    expect(table.digest()).toEqual(new Clocked().digest());
    expect(table.find({ subject: '192.0.2.7', limit: 1 })).toEqual([]);
  });

  it('stays longer where the number of its source runs ahead of the clock', () => {
    const table = new Clocked();
    table.merge(enveloped(a, {}, { revoked: true, seq: (START_MS + HOUR_MS) * 1_024 }));
    table.clock.nowMs = START_MS + DAY_MS + HOUR_MS;
    expect(table.expire()).toBe(0);
    table.clock.nowMs += 60_000;
    expect(table.expire()).toBe(1);
  });

  it('takes the place of a longer one that came before, though it ended first', () => {
    const table = new Clocked();
    table.clock.nowMs = START_MS + 120_000;
    table.merge(enveloped(a, { ttlS: 86_400 }));
    expect(table.merge(enveloped(a, { ttlS: 60 }, { seq: START_MS * 1_024 + 1 }))).toBe('merged');
    expect(table.drain(9)).toEqual([{ address: '192.0.2.7', claims: [] }]);
  });
});

describe('at its bound', () => {
  it('the source with the most gives way, with what ends first', () => {
    const table = new Clocked({ tableClaims: 4 });
    const ttls = [400, 100, 300, 200];
    table.given(ttls.map((ttlS, n) => enveloped(a, { subject: address(n), ttlS })));
    expect(table.merge(enveloped(b, { ttlS: 1 }))).toBe('merged');
    expect(table.find({ limit: 9 }).map(({ ttlS }) => ttlS)).toEqual([400, 300, 200, 1]);
    expect(table.merge(enveloped(a, { subject: address(9), ttlS: 50 }))).toBe('full');
    expect(table.merge(enveloped(a, { subject: address(9), ttlS: 500 }))).toBe('merged');
    expect(table.find({ limit: 9 }).map(({ ttlS }) => ttlS)).toEqual([400, 300, 1, 500]);
    expect(table.drain(100).map((delta) => [delta.address, delta.claims.length])).toContainEqual([address(3), 0]);
  });

  it('what takes back a claim goes last', () => {
    const table = new Clocked({ tableClaims: 2 });
    table.merge(enveloped(a, { subject: address(1), ttlS: 1 }, { revoked: true }));
    table.merge(enveloped(a, { subject: address(2), ttlS: 86_399 }));
    table.merge(enveloped(a, { subject: address(3), ttlS: 86_398 }));
    expect(table.find({ limit: 9 }).map(({ subject }) => subject)).toEqual([address(1), address(2)]);
  });

  it('keeps its order through any series of arrivals, replacements and departures', () => {
    const step = fc.record({ n: fc.nat(11), ttlS: fc.integer({ min: 1, max: 9 }), seq: fc.nat(5), gone: fc.boolean() });
    const signed = new Map<string, Envelope>();
    const one = (n: number, ttlS: number, seq: number): Envelope => {
      const name = `${n} ${ttlS} ${seq}`;
      const known = signed.get(name) ?? enveloped(a, { subject: address(n), ttlS }, { seq: START_MS * 1_024 + seq });
      signed.set(name, known);
      return known;
    };
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const table = new Clocked({ tableClaims: 6 });
        for (const { n, ttlS, seq } of steps) {
          const before = table.find({ limit: 9 });
          const envelope = one(n, ttlS, seq);
          const outcome = table.merge(envelope);
          const known = before.some(({ subject }) => subject === envelope.subject);
          if (before.length < 6 || known) continue;
          const soonest = Math.min(...before.map((held) => held.ttlS), ttlS);
          const gone = [...before, envelope].filter((held) => !table.has(held));
          expect(gone.map((held) => held.ttlS)).toEqual([soonest]);
          expect(outcome).toBe(gone[0] === envelope ? 'full' : 'merged');
        }
      }),
    );
  });
});

describe('what the thread of requests is told', () => {
  it('is each address that changed, once, with all that holds of it', () => {
    const table = new Clocked();
    table.merge(enveloped(a, { score: 0.4 }));
    table.merge(enveloped(b, { score: 0.6, ttlS: 60 }));
    table.merge(enveloped(a, { kind: 'rate_saturation', score: 0.5 }));
    table.merge(enveloped(a, { kind: 'upstream_unhealthy', subject: 'index' }));
    table.merge(enveloped(c, { score: 0 }));
    const at = { madeAtMs: START_MS };
    expect(table.drain(9)).toEqual([
      {
        address: '192.0.2.7',
        claims: [
          { source: 0, score: 0.4, ...at, endsAtMs: START_MS + 600_000 },
          { source: 0, score: 0.5, ...at, endsAtMs: START_MS + 600_000 },
          { source: 1, score: 0.6, ...at, endsAtMs: START_MS + 60_000 },
        ],
      },
    ]);
    expect(table.drain(9)).toEqual([]);
    table.merge(enveloped(a, {}, { revoked: true, seq: START_MS * 1_024 + 1 }));
    table.clock.nowMs += 60_000;
    expect(structuredClone(table.drain(9)[0]!).claims.map(({ score }) => score)).toEqual([0.5]);
  });

  it('comes in the portions asked for', () => {
    const table = new Clocked().given(Array.from({ length: 10 }, (_, n) => enveloped(a, { subject: address(n) })));
    expect([table.drain(4).length, table.drain(4).length, table.drain(4).length]).toEqual([4, 4, 2]);
  });

  it('is bounded for one address', () => {
    const table = new Clocked({ sourcesPerSubject: 1 });
    for (const key of KEYS) table.merge(enveloped(key));
    expect(table.drain(9)[0]?.claims).toHaveLength(2);
  });
});

describe('a source that left the trust list', () => {
  it('takes its claims with it', () => {
    const table = new Clocked().given(POOL);
    table.drain(1_000);
    expect(table.retain((source) => source !== b.publicKeyHex)).toBe(12);
    expect(table.digest()).toEqual(
      new Clocked().given(POOL.filter(({ source }) => source !== b.publicKeyHex)).digest(),
    );
    expect(table.drain(1_000)).toHaveLength(4);
  });
});

describe('a distrusted node', () => {
  const about = { kind: 'identity_revoked', subject: c.publicKeyHex, reason: 'key_leaked' } as const;
  const votes = [enveloped(a, about), enveloped(b, about)];

  it('takes two others', () => {
    const table = new Clocked();
    table.merge(enveloped(c, about));
    table.merge(votes[0]!);
    expect(table.distrusts(c.publicKeyHex)).toBe(false);
    table.merge(enveloped(a, { ...about, kind: 'upstream_unhealthy' }));
    expect(table.distrusts(c.publicKeyHex)).toBe(false);
    table.merge(votes[1]!);
    expect(table.distrusts(c.publicKeyHex)).toBe(true);
    table.merge(enveloped(b, about, { revoked: true, seq: START_MS * 1_024 + 1 }));
    expect(table.distrusts(c.publicKeyHex)).toBe(false);
  });

  it('is not heard, given on, or part of the digest, until the others take it back', () => {
    const table = new Clocked().given([enveloped(a), enveloped(c)]);
    const before = table.digest();
    table.drain(9);
    table.given(votes).expire();
    expect(table.digest()).toEqual(new Clocked().given([enveloped(a), ...votes]).digest());
    expect(table.drain(9)[0]?.claims).toHaveLength(1);
    expect(
      Array.from({ length: DIGEST_BUCKETS }, (_, n) => [...table.bucket(n)])
        .flat()
        .filter(({ source }) => source === c.publicKeyHex),
    ).toEqual([]);
    table.retain((source) => source !== b.publicKeyHex);
    expect(table.drain(9)[0]?.claims).toHaveLength(2);
    table.merge(enveloped(a, about, { revoked: true, seq: START_MS * 1_024 + 1 }));
    expect(table.expire()).toBe(0);
    expect(table.differing(before)).toHaveLength(1);
  });

  it('is heard again when what the others said has ended', () => {
    const table = new Clocked().given([enveloped(c, { ttlS: 86_400 }), ...votes]);
    table.expire();
    expect(table.drain(9)[0]?.claims).toEqual([]);
    table.clock.nowMs += 600_000;
    table.expire();
    expect(table.drain(9)[0]?.claims).toHaveLength(1);
  });

  it('ends the same in any order, also where nodes accuse each other', () => {
    const revoke = (key: (typeof KEYS)[0], whom: (typeof KEYS)[0]): Envelope =>
      enveloped(key, { ...about, subject: whom.publicKeyHex });
    const d = KEYS[3]!;
    const all = [revoke(a, c), revoke(b, c), revoke(c, a), revoke(d, a), ...POOL.slice(0, 30)];
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: all.length }), (shuffled) => {
        const [table, other] = [new Clocked().given(shuffled), new Clocked().given(all)];
        expect([table.expire(), other.expire()]).toEqual([0, 0]);
        expect(table.digest()).toEqual(other.digest());
        expect([a, b, c, d].map((key) => table.distrusts(key.publicKeyHex))).toEqual([true, false, true, false]);
      }),
    );
  });
});
