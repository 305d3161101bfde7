import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MESH_LIMITS } from '../mesh-limits.ts';
import { START_MS } from './claim-fixture.ts';
import { Standings } from './standings.ts';
import type { StandingClaim } from './standings.ts';

const HALF_LIFE_MS = MESH_LIMITS.halfLifeMs;
const ADDRESS = '192.0.2.7';

const said = (score: number, source = 0, madeAtMs = START_MS, endsAtMs = START_MS + 86_400_000): StandingClaim => ({
  source,
  score,
  madeAtMs,
  endsAtMs,
});

function standings(...claims: StandingClaim[]): Standings {
  const made = new Standings(MESH_LIMITS, START_MS);
  made.apply([{ address: ADDRESS, claims }]);
  return made;
}

describe('Standings', () => {
  it('knows nothing of an address nobody spoke of', () => {
    expect(new Standings(MESH_LIMITS, START_MS).lookup(ADDRESS)).toBeUndefined();
    expect(standings(said(0.5)).lookup('192.0.2.8')).toBeUndefined();
  });

  it.each([
    [[said(0.5)], '0.500', 1],
    [[said(1)], '1.000', 1],
    [[said(0.5), said(0.5, 1)], '0.750', 2],
    [[said(0.5), said(0.8)], '0.800', 1],
    [[said(0.5), said(0.8), said(0.8, 1), said(0.1, 1)], '0.960', 2],
    [[said(1), said(1, 1), said(1, 2)], '1.000', 3],
    [[said(0.05)], '0.050', 1],
    [[said(0.049)], '0.049', 0],
    [[said(0.5), said(0.01, 1)], '0.505', 1],
    [[said(0.5, 0, START_MS + 60_000)], '0.500', 1],
    [[said(0.8, 0, START_MS - HALF_LIFE_MS)], '0.400', 1],
    [[said(0.8, 0, START_MS - HALF_LIFE_MS), said(0.5)], '0.500', 1],
    [[said(1, 0, START_MS, START_MS), said(0.5)], '0.500', 1],
  ])('takes %j for %s of %s sources', (claims, header, sources) => {
    expect(standings(...claims).lookup(ADDRESS)).toEqual({ score: Number(header), header, sources });
  });

  it('fades by the half-life, until nothing is left', () => {
    const made = standings(said(1));
    const headers = Array.from({ length: 12 }, (_, n) => {
      made.tick(START_MS + n * HALF_LIFE_MS);
      return made.lookup(ADDRESS)?.header;
    });
    expect(headers).toEqual([
      ...['1.000', '0.500', '0.250', '0.125', '0.063', '0.031', '0.016', '0.008', '0.004', '0.002', '0.001'],
      undefined,
    ]);
    expect(made.size).toBe(0);
  });

  it('counts a source for a bit over four half-lives', () => {
    const made = standings(said(1), said(1, 1));
    made.tick(START_MS + 4 * HALF_LIFE_MS);
    expect(made.lookup(ADDRESS)?.sources).toBe(2);
    made.tick(START_MS + 4.4 * HALF_LIFE_MS);
    expect(made.lookup(ADDRESS)).toMatchObject({ sources: 0, header: '0.092' });
  });

  it('drops what has ended on time, and one source of several', () => {
    const made = standings(said(0.5, 0, START_MS, START_MS + 1_000), said(0.4, 1, START_MS, START_MS + 2_000));
    made.tick(START_MS + 999);
    expect(made.lookup(ADDRESS)?.sources).toBe(2);
    made.tick(START_MS + 1_000);
    expect(made.lookup(ADDRESS)).toMatchObject({ sources: 1, header: '0.400' });
    made.tick(START_MS + 2_000);
    expect(made.lookup(ADDRESS)).toBeUndefined();
    expect(made.size).toBe(0);
  });

  it('answers the same object until something changed', () => {
    const made = standings(said(0.5));
    const first = made.lookup(ADDRESS);
    expect(made.lookup(ADDRESS)).toBe(first);
    made.tick(START_MS + 1);
    expect(made.lookup(ADDRESS)).toBe(first);
    made.tick(START_MS + HALF_LIFE_MS);
    expect(made.lookup(ADDRESS)).not.toBe(first);
    expect(first).toEqual({ score: 0.5, header: '0.500', sources: 1 });
  });

  it('takes over what changed, and forgets what is no longer said', () => {
    const made = standings(said(0.5));
    made.apply([{ address: ADDRESS, claims: [said(0.7)] }]);
    expect(made.lookup(ADDRESS)?.header).toBe('0.700');
    made.apply([{ address: ADDRESS, claims: [] }]);
    expect([made.lookup(ADDRESS), made.size]).toEqual([undefined, 0]);
  });

  it('drops what nobody asks for any more, a portion a tick', () => {
    const made = new Standings(MESH_LIMITS, START_MS);
    const claims = [said(1, 0, START_MS, START_MS + 500)];
    made.apply(Array.from({ length: 2_000 }, (_, n) => ({ address: `198.51.${n >> 8}.${n & 255}`, claims })));
    expect(made.size).toBe(2_000);
    const sizes = [1, 2, 3, 4, 5].map((s) => {
      made.tick(START_MS + s * 1_000);
      return made.size;
    });
    expect(sizes).toEqual([1_488, 976, 464, 0, 0]);
  });

  it('stays between 0 and 1, no lower than its greatest, and does not mind a clock that steps back', () => {
    const claim = fc.record({ source: fc.nat(3), score: fc.nat(1_000).map((n) => n / 1_000) });
    fc.assert(
      fc.property(fc.array(claim, { minLength: 1, maxLength: 8 }), fc.integer(), (claims, stepMs) => {
        const sorted = claims.map(({ source, score }) => said(score, source)).sort((x, y) => x.source - y.source);
        const made = standings(...sorted);
        const score = made.lookup(ADDRESS)?.score ?? 0;
        expect(score).toBeLessThanOrEqual(1);
        expect(score).toBeGreaterThanOrEqual(Math.max(...claims.map((each) => each.score)));
        made.tick(START_MS - Math.abs(stepMs));
        expect(made.lookup(ADDRESS)?.score ?? 0).toBe(score);
      }),
    );
  });
});
