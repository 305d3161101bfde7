import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GatedNode, KEYS, STRANGER, START_MS, enveloped } from './claim-fixture.ts';
import { ClaimSource } from './claim-source.ts';
import type { Envelope } from './claim.ts';
import { DROP_REASONS } from './outcome.ts';
import { TokenBucket } from './token-bucket.ts';

const [a, b, c] = KEYS as [(typeof KEYS)[0], (typeof KEYS)[0], (typeof KEYS)[0]];
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const NO_TOKENS = new TokenBucket({ perSecond: 0, burst: 0 }, 0);

/** The same with another signature: what anybody can make who knows the public key. */
function forged({ bytes }: Envelope): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[copy.length - 10] = copy[copy.length - 10]! ^ 1;
  return copy;
}

const address = (n: number): string => `198.51.${n >> 8}.${n & 255}`;
const seq = (n: number): number => START_MS * 1_024 + n;

describe('the gates', () => {
  it.each<[string, string, (node: GatedNode) => string]>([
    ['a good one', 'merged', (node) => node.receive(enveloped(a))],
    ['one over the rate of its connection', 'connection_rate', (node) => node.receive(enveloped(a), NO_TOKENS)],
    ['one too large', 'size', (node) => node.receive(new Uint8Array(513))],
    ['garbage of the greatest size', 'malformed', (node) => node.receive(new Uint8Array(512))],
    ['nothing', 'malformed', (node) => node.receive(new Uint8Array())],
    ['a stranger', 'untrusted', (node) => node.receive(enveloped(STRANGER))],
    [
      'a replay',
      'replay',
      (node) => {
        node.receive(enveloped(a));
        return node.receive(node.table.find({ limit: 1 })[0]!);
      },
    ],
    ['a forged one', 'signature', (node) => node.receive(forged(enveloped(a)))],
    [
      'a forged old one',
      'signature',
      (node) => {
        node.receive(enveloped(a, {}, { seq: seq(9) }));
        return node.receive(forged(enveloped(a)));
      },
    ],
    [
      'one forged from the one held',
      'signature',
      (node) => {
        const held = enveloped(a);
        node.receive(held);
        return node.receive(forged(held));
      },
    ],
    [
      'an old one',
      'stale',
      (node) => {
        node.receive(enveloped(a, {}, { seq: seq(9) }));
        return node.receive(enveloped(a));
      },
    ],
  ])('%s: %s', (_, outcome, run) => {
    const node = new GatedNode();
    expect(run(node)).toBe(outcome);
    expect(node.ledger()[outcome]).toBe(1);
  });

  it.each([
    ['dated the most ahead', MINUTE_MS, 0, 'merged'],
    ['dated a ms further', MINUTE_MS + 1, 0, 'clock'],
    ['dated the furthest back', -DAY_MS, 0, 'merged'],
    ['dated a ms before that', -DAY_MS - 1, 0, 'clock'],
    ['with a number a day ahead', 0, DAY_MS * 1_024, 'merged'],
    ['with a number further ahead', 0, DAY_MS * 1_024 + 1, 'clock'],
  ])('one %s: %s ms, %s: %s', (_, offsetMs, ahead, outcome) => {
    const node = new GatedNode();
    const madeAtMs = START_MS + offsetMs;
    expect(node.receive(enveloped(a, {}, { madeAtMs, seq: madeAtMs * 1_024 + ahead }))).toBe(outcome);
  });

  it('one over the rate of its source, and one that finds no room', () => {
    const node = new GatedNode({ sourceBurst: 2, sourceEnvelopesPerSecond: 1, tableClaims: 1 });
    expect(node.receive(enveloped(a, { subject: address(1) }))).toBe('merged');
    expect(node.receive(enveloped(a, { subject: address(2), ttlS: 1 }))).toBe('full');
    expect(node.receive(enveloped(a, { subject: address(3), ttlS: 700 }))).toBe('merged');
    expect(node.receive(enveloped(a, { subject: address(4), ttlS: 800 }))).toBe('rate');
    node.nowMs += 1_000;
    expect(node.receive(enveloped(a, { subject: address(4), ttlS: 800 }))).toBe('merged');
  });

  it('stop an envelope with several faults at the first of them', () => {
    const node = new GatedNode({ sourceBurst: 1, sourceEnvelopesPerSecond: 0 });
    const late = { madeAtMs: START_MS - 2 * DAY_MS };
    expect(node.receive(new Uint8Array(513), NO_TOKENS)).toBe('connection_rate');
    expect(node.receive(Buffer.concat([enveloped(STRANGER).bytes, Buffer.alloc(512)]))).toBe('size');
    expect(node.receive(enveloped(STRANGER).bytes.subarray(1))).toBe('malformed');
    expect(node.receive(forged(enveloped(STRANGER, {}, late)))).toBe('untrusted');
    expect(node.receive(forged(enveloped(a, {}, late)))).toBe('signature');
    const first = enveloped(a, { subject: address(1) }, { seq: seq(5) });
    expect(node.receive(first)).toBe('merged');
    expect(node.receive(enveloped(a, {}, late))).toBe('clock');
    expect(node.receive(enveloped(a, { subject: address(1) }))).toBe('rate');
    node.nowMs += 3 * DAY_MS;
    expect(node.receive(first)).toBe('replay');
  });

  it('name the source only where it is proven', () => {
    const node = new GatedNode({ sourceBurst: 1, sourceEnvelopesPerSecond: 0 });
    const seen = (bytes: Uint8Array): unknown => node.gates.receive(bytes, node.connection).envelope?.source;
    const good = enveloped(a);
    expect([good.bytes, good.bytes, enveloped(a, {}, { seq: seq(1) }).bytes].map(seen)).toEqual(
      new Array(3).fill(a.publicKeyHex),
    );
    expect([forged(good), forged(enveloped(b)), enveloped(STRANGER).bytes, new Uint8Array(9)].map(seen)).toEqual(
      new Array(4).fill(undefined),
    );
  });

  it('let no damaged envelope through', () => {
    const node = new GatedNode();
    const { bytes } = enveloped(a);
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const damaged = Uint8Array.from(bytes);
      damaged[bit >> 3] = damaged[bit >> 3]! ^ (1 << (bit & 7));
      expect(['malformed', 'untrusted', 'signature']).toContain(node.receive(damaged));
    }
    expect(node.table.size).toBe(0);
  });
});

/** One envelope of each fate, several of some. */
function mixture(): readonly (Envelope | Uint8Array)[] {
  const source = new ClaimSource(a, () => START_MS);
  const good = [0, 1, 2, 3].map((n) =>
    source.sign({ kind: 'waf_reputation', subject: address(n), score: 0.5, reason: 'tarpit', ttlS: 60 }),
  );
  return [
    ...good,
    source.revoke('waf_reputation', address(0)),
    enveloped(b, {}, { seq: seq(1) }),
    enveloped(b),
    enveloped(b, {}, { madeAtMs: START_MS - 2 * DAY_MS }),
    enveloped(STRANGER),
    forged(enveloped(c)),
    new Uint8Array(600),
    new Uint8Array(100),
  ];
}

describe('any order and duplication of envelopes', () => {
  const all = mixture();
  const twice = [...all, ...all];

  it('ends in the same table on two nodes, and the ledger closes on both', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray(twice, { minLength: twice.length }),
        fc.array(fc.integer({ min: -MINUTE_MS, max: MINUTE_MS }), { minLength: twice.length, maxLength: twice.length }),
        (shuffled, clock) => {
          const [one, other] = [new GatedNode(), new GatedNode()];
          for (const item of all) one.receive(item);
          for (const [i, item] of shuffled.entries()) {
            other.nowMs = START_MS + clock[i]!;
            other.receive(item);
          }
          expect(other.table.digest()).toEqual(one.table.digest());
          const [left, right] = [one, other].map((node) =>
            node.table.find({ limit: 99 }).map(({ bytes }) => Buffer.from(bytes).toString('hex')),
          );
          expect(right?.sort()).toEqual(left?.sort());
          for (const [node, given] of [
            [one, all],
            [other, shuffled],
          ] as const) {
            const counted = Object.values(node.ledger()).reduce((sum, count) => sum + count, 0);
            expect(counted).toBe(given.length);
            const bytes = given
              .map((item) => ('bytes' in item ? item.bytes : item).length)
              .reduce((sum, n) => sum + n, 0);
            expect(node.counters.gossipBytesIn.value()).toBe(bytes);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it('writes two counters for each', () => {
    const node = new GatedNode({ sourceBurst: 4, sourceEnvelopesPerSecond: 0, tableClaims: 4 });
    const fates = new Set<string>();
    const counted = (given: Parameters<GatedNode['receive']>): void => {
      const before = node.writes();
      fates.add(node.receive(...given));
      expect(node.writes() - before).toBe(2);
    };
    for (const item of twice) counted([item]);
    counted([enveloped(a), NO_TOKENS]);
    counted([enveloped(b, { subject: address(8), ttlS: 2 })]);
    counted([enveloped(b, { subject: address(9), ttlS: 1 })]);
    expect([...fates].sort()).toEqual(['merged', ...DROP_REASONS].sort());
  });
});

describe('the share of a source', () => {
  const LIMITS = { sourceBurst: 3, sourceEnvelopesPerSecond: 1 };

  it('is not used up by forged envelopes in its name', () => {
    const node = new GatedNode(LIMITS);
    const copy = forged(enveloped(a));
    for (let i = 0; i < 500; i += 1) expect(node.receive(copy)).toBe('signature');
    for (const n of [1, 2, 3]) expect(node.receive(enveloped(a, { subject: address(n) }))).toBe('merged');
  });

  it('is not used up by its own old envelopes, sent again by another', () => {
    const node = new GatedNode(LIMITS);
    const old = enveloped(a);
    const newer = enveloped(a, {}, { seq: seq(1) });
    expect([node.receive(old), node.receive(newer)]).toEqual(['merged', 'merged']);
    for (let i = 0; i < 50; i += 1) expect([node.receive(old), node.receive(newer)]).toEqual(['stale', 'replay']);
    expect(node.receive(enveloped(a, { subject: address(2) }))).toBe('merged');
  });

  it('is its own: another that sends too much leaves it alone', () => {
    const node = new GatedNode(LIMITS);
    const fates = Array.from({ length: 10 }, (_, n) => node.receive(enveloped(b, { subject: address(n) })));
    expect(fates.filter((fate) => fate === 'rate')).toHaveLength(7);
    expect(node.receive(enveloped(a))).toBe('merged');
  });

  it('ends with its place in the trust list', () => {
    const node = new GatedNode(LIMITS);
    for (const n of [1, 2, 3]) node.receive(enveloped(a, { subject: address(n) }));
    node.receive(enveloped(b));
    node.trust.ids.delete(a.publicKeyHex);
    expect(node.receive(enveloped(a, { subject: address(4) }))).toBe('untrusted');
    expect(node.gates.trustChanged()).toBe(3);
    expect(node.table.find({ limit: 9 }).map(({ source }) => source)).toEqual([b.publicKeyHex]);
    node.trust.ids.add(a.publicKeyHex);
    expect(node.receive(enveloped(a, { subject: address(4) }))).toBe('merged');
  });
});

describe('what was taken back', () => {
  it('does not come back: not by replay, not after its end, not when all is forgotten', () => {
    const node = new GatedNode();
    let sourceMs = START_MS;
    const source = new ClaimSource(a, () => sourceMs);
    const said = source.sign({ kind: 'waf_reputation', subject: address(1), score: 1, reason: 'tarpit', ttlS: 86_400 });
    sourceMs -= 3_600_000;
    const taken = source.revoke('waf_reputation', address(1));
    expect([node.receive(said), node.receive(taken), node.receive(said)]).toEqual(['merged', 'merged', 'stale']);
    for (const hours of [1, 12, 23, 24, 25, 26]) {
      node.nowMs = START_MS + hours * 3_600_000 + (hours < 24 ? 0 : MINUTE_MS);
      node.table.expire();
      expect(node.receive(said)).toBe(hours < 24 ? 'stale' : 'clock');
      expect(node.table.drain(9).flatMap(({ claims }) => claims)).toEqual([]);
    }
    expect(node.table.size).toBe(0);
  });

  it('may come before what it takes back', () => {
    const node = new GatedNode();
    const source = new ClaimSource(a, () => START_MS);
    const said = source.sign({ kind: 'waf_reputation', subject: address(1), score: 1, reason: 'tarpit', ttlS: 60 });
    expect([node.receive(source.revoke('waf_reputation', address(1))), node.receive(said)]).toEqual([
      'merged',
      'stale',
    ]);
  });

  it('is nobody else to take back', () => {
    const node = new GatedNode();
    node.receive(enveloped(a));
    node.receive(enveloped(b, {}, { revoked: true, seq: seq(1) }));
    expect(node.table.drain(9)[0]?.claims).toHaveLength(1);
  });
});

describe('a node two others revoke', () => {
  const about = { kind: 'identity_revoked', subject: c.publicKeyHex } as const;

  it('is refused like a stranger, but for what it says of the keys of others', () => {
    const node = new GatedNode();
    expect(node.receive(enveloped(a, about))).toBe('merged');
    expect(node.receive(enveloped(c, { subject: address(1) }))).toBe('merged');
    expect(node.receive(enveloped(b, about))).toBe('merged');
    expect(node.receive(enveloped(c, { subject: address(2) }))).toBe('untrusted');
    expect(node.receive(enveloped(c, { ...about, subject: a.publicKeyHex }))).toBe('merged');
    expect(node.receive(enveloped(a, about, { revoked: true, seq: seq(1) }))).toBe('merged');
    expect(node.receive(enveloped(c, { subject: address(2) }))).toBe('merged');
  });

  it('leaves the same digest whether its claims came before the votes or after them', () => {
    const all = [
      enveloped(a, about),
      enveloped(b, about),
      enveloped(c, { ...about, subject: a.publicKeyHex }),
      ...[1, 2, 3].flatMap((n) => [enveloped(c, { subject: address(n) }), enveloped(a, { subject: address(n) })]),
    ];
    const expected = new GatedNode();
    for (const item of all) expected.receive(item);
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: all.length }), (shuffled) => {
        const node = new GatedNode();
        for (const item of shuffled) node.receive(item);
        expect(node.table.expire() + expected.table.expire()).toBe(0);
        expect(node.table.digest()).toEqual(expected.table.digest());
      }),
      { numRuns: 30 },
    );
  });

  it('is not revoked by strangers', () => {
    const node = new GatedNode();
    node.receive(enveloped(a, about));
    expect(node.receive(enveloped(STRANGER, about))).toBe('untrusted');
    expect(node.table.distrusts(c.publicKeyHex)).toBe(false);
  });
});
