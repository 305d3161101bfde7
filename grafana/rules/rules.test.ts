import { LATENCY_BUCKETS_SECONDS, SLOS } from '@macronode/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ACCEPTABLE } from '../faults.ts';
import { ALERTS } from './alerts.ts';
import { alertRule } from './alert-rule.ts';
import {
  DEMO_CLOCK,
  REAL_CLOCK,
  type RuleClock,
  rangeSeconds,
  SCRAPES_MIN,
  waitSeconds,
  windowSeconds,
} from './clock.ts';
import { RULES_MAX, ruleGroups } from './groups.ts';
import { RECORDED } from './recorded.ts';
import { BURN_WINDOWS, WINDOWS } from './windows.ts';

const clocks: fc.Arbitrary<RuleClock> = fc.record({
  windowSeconds: fc.integer({ min: 3_600, max: REAL_CLOCK.windowSeconds }),
  scrapeSeconds: fc.integer({ min: 1, max: 30 }),
});

describe('a clock', () => {
  it('gives whole seconds and never less than four scrapes', () => {
    fc.assert(
      fc.property(clocks, fc.integer({ min: 1, max: REAL_CLOCK.windowSeconds }), (clock, real) => {
        for (const seconds of [windowSeconds(clock, real), rangeSeconds(clock, real)]) {
          expect(Number.isInteger(seconds)).toBe(true);
          expect(seconds).toBeGreaterThanOrEqual(SCRAPES_MIN * clock.scrapeSeconds);
        }
      }),
    );
  });

  it('keeps windows in their order', () => {
    fc.assert(
      fc.property(clocks, (clock) => {
        const scaled = Object.values(WINDOWS).map((real) => windowSeconds(clock, real));
        expect(scaled).toEqual([...scaled].sort((a, b) => a - b));
      }),
    );
  });

  it('changes nothing when it is the real one', () => {
    for (const real of Object.values(WINDOWS)) expect(windowSeconds(REAL_CLOCK, real)).toBe(real);
    expect(rangeSeconds(REAL_CLOCK, 60)).toBe(60);
    expect(waitSeconds(REAL_CLOCK, 'scrape', 90)).toBe(90);
  });

  it('of a demonstration pages within about two minutes of its hour', () => {
    const [fast] = BURN_WINDOWS;
    expect(fast && windowSeconds(DEMO_CLOCK, WINDOWS[fast.long])).toBe(129);
    expect(fast && windowSeconds(DEMO_CLOCK, WINDOWS[fast.short])).toBe(11);
  });
});

describe('rules', () => {
  const groups = Object.values(ruleGroups(REAL_CLOCK)).flat();
  const rules = groups.flatMap((group) => group.rules);

  it('stand in groups of at most twenty, each with a name of its own', () => {
    for (const group of groups) expect(group.rules.length, group.name).toBeLessThanOrEqual(RULES_MAX);
    expect(new Set(groups.map(({ name }) => name)).size).toBe(groups.length);
  });

  it('record every name that boards and alerts share', () => {
    const recorded = new Set(rules.flatMap((rule) => ('record' in rule ? [rule.record] : [])));
    expect(recorded).toEqual(new Set(Object.values(RECORDED)));
  });
});

describe('alerts', () => {
  const rules = ALERTS.map((alert) => alertRule(alert, REAL_CLOCK));

  it('say what, how bad, what to do and where to look', () => {
    for (const { alert, annotations } of rules) {
      expect(annotations['summary'], alert).toContain('$value');
      expect(annotations['description'], alert).toMatch(/\.$/);
      expect(annotations['runbook_url'], alert).toContain('#');
      expect(annotations['dashboard_url'], alert).toMatch(/\/d\/macronode-[a-z]+\?viewPanel=\d+&from=now-1h&to=now$/);
    }
  });

  it('are told apart by their labels', () => {
    const keys = rules.map(({ alert, labels }) => JSON.stringify([alert, labels]));
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('are produced by a fault, or say why by none', () => {
    for (const { name, faults, unproduced } of ALERTS) {
      expect(faults.length > 0 || unproduced !== undefined, name).toBe(true);
      for (const fault of faults) expect(ACCEPTABLE.has(fault), name).toBe(false);
    }
  });

  it('of a latency read an exact edge of its histogram', () => {
    for (const slo of Object.values(SLOS)) {
      if (slo.kind === 'latency') expect(LATENCY_BUCKETS_SECONDS).toContain(slo.boundSeconds);
    }
  });
});
