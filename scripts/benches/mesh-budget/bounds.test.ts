import { describe, expect, it } from 'vitest';
import { COUNTERS_NS, corePercent, LOOKUP_NS, violations } from './bounds.ts';

const KEPT = { counters: 4, lookup: 90, seeded: 140 };

describe('the budget of the mesh', () => {
  it('is kept up to its bounds, and not above', () => {
    expect(violations(KEPT)).toEqual([]);
    expect(violations({ ...KEPT, counters: COUNTERS_NS.bound, lookup: LOOKUP_NS.bound })).toEqual([]);
    expect(violations({ ...KEPT, counters: COUNTERS_NS.bound + 1 })).toHaveLength(1);
    expect(violations({ ...KEPT, lookup: LOOKUP_NS.bound + 1 })).toHaveLength(1);
  });

  it('breaks when the seeded violation would pass, or nothing was measured', () => {
    expect(violations({ ...KEPT, seeded: COUNTERS_NS.bound }).join()).toContain('does not bite');
    expect(violations({ counters: Number.NaN, lookup: Number.NaN, seeded: Number.NaN })).toHaveLength(3);
  });

  it('is half a percent of a core at 100,000 requests a second', () => {
    expect(corePercent(COUNTERS_NS.bound)).toBeCloseTo(0.5);
  });
});
