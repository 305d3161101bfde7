import type { Standing } from '@macronode/mesh';
import { beforeEach, describe, expect, it } from 'vitest';
import { Enforcement, verdictOf } from './enforcement.ts';

const POLICY = { denyAbove: 0.8, quorum: 2 };
const standing = (score: number, sources: number): Standing => ({ score, header: score.toFixed(3), sources });

const told: string[] = [];
const enforcement = (bound?: number): Enforcement =>
  new Enforcement(POLICY, (decision, address, { score }) => told.push(`${decision} ${address} ${score}`), bound);
beforeEach(() => void told.splice(0));

describe('a verdict', () => {
  it.each([
    [undefined, 'pass'],
    [standing(0.8, 9), 'pass'],
    [standing(0.801, 1), 'too_few_sources'],
    [standing(0.801, 2), 'deny'],
    [standing(1, 1), 'too_few_sources'],
  ] as const)('of %o is %s', (known, verdict) => expect(verdictOf(POLICY, known)).toBe(verdict));
});

describe('enforcement', () => {
  it('lets pass whom nobody says anything of, and tells nothing', () => {
    expect(enforcement().refuses('a', undefined)).toBe(false);
    expect(told).toEqual([]);
  });

  it('refuses with enough sources, passes with one, and tells each change once', () => {
    const gate = enforcement();
    const meets = (score: number, sources: number): boolean => gate.refuses('a', standing(score, sources));
    expect([meets(0.5, 1), meets(0.9, 1), meets(0.91, 1)]).toEqual([false, false, false]);
    expect([meets(0.95, 2), meets(0.99, 3)]).toEqual([true, true]);
    expect([meets(0.7, 2), meets(0.6, 2)]).toEqual([false, false]);
    expect(told).toEqual(['too_few_sources a 0.9', 'deny a 0.95', 'lifted a 0.7']);
  });

  it('tells that a standing is gone with the last one there was', () => {
    const gate = enforcement();
    expect(gate.refuses('a', standing(0.9, 2))).toBe(true);
    expect(gate.refuses('a', undefined)).toBe(false);
    expect(gate.refuses('a', undefined)).toBe(false);
    expect(told).toEqual(['deny a 0.9', 'lifted a 0.9']);
  });

  it('remembers so many, and refuses those it has forgotten all the same', () => {
    const gate = enforcement(2);
    for (const address of ['a', 'b', 'c', 'a']) expect(gate.refuses(address, standing(0.9, 2))).toBe(true);
    expect(told).toEqual(['deny a 0.9', 'deny b 0.9', 'deny c 0.9', 'deny a 0.9']);
  });
});
