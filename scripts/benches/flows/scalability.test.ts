import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitScalability, kneeOf, rateAt, type Scalability } from './scalability.ts';

const USERS = [1, 2, 4, 8, 16, 32, 64];
const pointsOf = (law: Scalability) => USERS.map((users) => ({ users, rate: rateAt(law, users) }));

describe('the scalability law', () => {
  it('is found again from rates that follow it', () => {
    const law = fc.record({
      single: fc.double({ min: 10, max: 10_000, noNaN: true }),
      contention: fc.double({ min: 0.001, max: 0.9, noNaN: true }),
      coherence: fc.double({ min: 0.00001, max: 0.01, noNaN: true }),
    });
    fc.assert(
      fc.property(law, (one) => {
        const found = fitScalability(pointsOf(one));
        for (const users of [3, 50, 100]) expect(rateAt(found, users) / rateAt(one, users)).toBeCloseTo(1, 2);
      }),
    );
  });

  it('claims no gain from contention: rates better than linear fit with none', () => {
    const found = fitScalability([
      { users: 1, rate: 100 },
      { users: 2, rate: 230 },
      { users: 4, rate: 480 },
    ]);
    expect(found.contention).toBeGreaterThanOrEqual(0);
    expect(found.coherence).toBeGreaterThanOrEqual(0);
  });

  it('needs points', () => {
    expect(() => fitScalability([])).toThrow('no scalability law fits');
  });
});

describe('the knee', () => {
  it('is the fewest users near the best rate', () => {
    const rates = [100, 190, 360, 600, 905, 1_000, 980];
    expect(kneeOf(USERS.map((users, at) => ({ users, rate: rates[at] ?? 0 })))).toEqual({ users: 16, rate: 905 });
  });
});
