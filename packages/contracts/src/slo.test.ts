import { describe, expect, it } from 'vitest';
import { LATENCY_BUCKETS_SECONDS, SLOS } from './slo.ts';

describe('service levels', () => {
  it('have every latency bound as an exact bucket edge', () => {
    for (const [name, slo] of Object.entries(SLOS)) {
      if (slo.kind === 'latency') expect(LATENCY_BUCKETS_SECONDS, name).toContain(slo.boundSeconds);
    }
  });

  it('have the bounds of the other services as edges too', () => {
    for (const edge of [0.05, 0.08, 0.09, 0.1, 0.15, 0.2, 0.35, 0.75, 1.2]) {
      expect(LATENCY_BUCKETS_SECONDS).toContain(edge);
    }
  });

  it('have edges that strictly increase', () => {
    expect(LATENCY_BUCKETS_SECONDS).toEqual([...new Set(LATENCY_BUCKETS_SECONDS)].sort((a, b) => a - b));
  });

  it('have objectives between 0 and 1, and a reason', () => {
    for (const [name, slo] of Object.entries(SLOS)) {
      expect(slo.objective, name).toBeGreaterThan(0.5);
      expect(slo.objective, name).toBeLessThan(1);
      expect(slo.why, name).not.toBe('');
    }
  });
});
