import type { Scenario } from 'k6/options';
import { describe, expect, it } from 'vitest';
import { SLOS } from '../../packages/contracts/src/slo.ts';
import { JOURNEY_NAMES, JOURNEYS, type JourneyName } from '../flows/journeys.ts';
import { poolPlanOf, PREPARE_OBJECTS } from '../lib/fresh-bytes.ts';
import { parseSeconds } from '../lib/seconds.ts';
import { readSettings } from '../lib/settings.ts';
import { turnsOf, usersFor, usersOf } from './arrivals.ts';
import { planOf, PROFILES } from './profiles.ts';
import { latencyOf, objectivesOf } from './thresholds.ts';

const expressionsOf = (name: string, region: 'near' | 'far' = 'near'): string =>
  JSON.stringify(planOf(name, { region }).thresholds);

describe('the profile load', () => {
  it.each([
    ['object_get_latency', 'near', 'GET /o/{id}', `p(95)<=${SLOS.object_get_latency.boundSeconds * 1_000}`],
    ['object_get_latency_far', 'far', 'GET /n/{name}', `p(95)<=${SLOS.object_get_latency_far.boundSeconds * 1_000}`],
    ['object_put_latency', 'near', 'PUT /o/{id}', `p(95)<=${SLOS.object_put_latency.boundSeconds * 1_000}`],
    [
      'registry_head_latency',
      'near',
      'GET /registry/head',
      `p(95)<=${SLOS.registry_head_latency.boundSeconds * 1_000}`,
    ],
    [
      'registry_entry_latency',
      'near',
      'GET /registry/{version}',
      `p(95)<=${SLOS.registry_entry_latency.boundSeconds * 1_000}`,
    ],
  ] as const)('gates %s at the edge', (_, region, route, expression) => {
    const { thresholds } = planOf('load', { region });
    expect(thresholds[`http_req_duration{name:${route},expected_response:true}`]).toEqual([expression]);
  });

  it.each([
    ['availability', 'unavailable', 0.001],
    ['admission', 'refused', 0.01],
  ])('gates %s, of all and of each flow', (_, metric, share) => {
    const { thresholds, scenarios } = planOf('load', {});
    expect(thresholds[metric]).toEqual([`rate<=${share}`]);
    for (const flow of Object.keys(scenarios))
      expect(thresholds[`${metric}{flow:${flow}}`]).toEqual([`rate<=${share}`]);
  });

  it('gates both objectives of a commit, in every region, and no far reader by what is said of near ones', () => {
    for (const region of ['near', 'far'] as const)
      expect(planOf('load', { region }).thresholds[latencyOf('POST /registry/commit/{id}')]).toEqual([
        `p(95)<=${SLOS.registry_commit_latency.boundSeconds * 1_000}`,
        `p(99)<=${SLOS.registry_commit_latency_tail.boundSeconds * 1_000}`,
      ]);
    expect(planOf('load', { region: 'far' }).thresholds[latencyOf('GET /registry/head')]).toEqual(['max>=0']);
  });

  it('knows every objective but that of the bus, which the truths of the node judge', () => {
    const latencies = (['near', 'far'] as const).flatMap((region) => objectivesOf(region).map(({ slo }) => slo));
    const known = new Set([...latencies, 'availability', 'admission', 'bus_delivery']);
    expect([...known].sort()).toEqual(Object.keys(SLOS).sort());
  });

  it('fails on a dropped iteration and on a wrong answer', () => {
    expect(expressionsOf('load')).toContain('"dropped_iterations":["count==0"]');
    expect(expressionsOf('load')).toContain('"checks":["rate==1"]');
  });
});

describe('every profile', () => {
  it.each([
    ['smoke', 'per-vu-iterations'],
    ['load', 'constant-arrival-rate'],
    ['stress', 'ramping-arrival-rate'],
    ['spike', 'ramping-arrival-rate'],
    ['soak', 'constant-arrival-rate'],
    ['breakpoint', 'ramping-arrival-rate'],
    ['chaos', 'constant-arrival-rate'],
  ])('%s walks its flows with %s', (name, executor) => {
    const flows = Object.entries(planOf(name, {}).scenarios).filter(([flow]) => flow !== 'faults');
    expect(flows.length).toBeGreaterThan(0);
    for (const [, scenario] of flows) expect(scenario.executor).toBe(executor);
  });

  it('makes all users before the run', () => {
    for (const name of Object.keys(PROFILES)) {
      for (const scenario of Object.values(planOf(name, {}).scenarios)) {
        if ('preAllocatedVUs' in scenario) expect(scenario.maxVUs).toBe(scenario.preAllocatedVUs);
      }
    }
  });

  it('offers the rate it is asked for, over all flows', () => {
    const offered = Object.entries(planOf('load', { rate: 200, seconds: 60 }).scenarios).reduce(
      (sum, [flow, scenario]) => sum + (turnsOf(scenario) - 1) * JOURNEYS[flow as JourneyName].requestsPerTurn,
      0,
    );
    expect(offered / 60).toBeCloseTo(200, 0);
  });
});

it('smoke walks every flow', () => {
  expect(Object.keys(planOf('smoke', { signs: true }).scenarios)).toEqual(JOURNEY_NAMES);
});

it('flows that sign are left out where nobody has the keys, and their part of the load is read', () => {
  const [with_, without] = [true, false].map((signs) => planOf('load', { signs, rate: 1_000 }).scenarios);
  expect(Object.keys(with_ ?? {})).toContain('governance');
  expect(Object.keys(without ?? {})).toEqual(Object.keys(with_ ?? {}).filter((flow) => flow !== 'governance'));
  const perSecond = (scenario: Scenario | undefined): number =>
    scenario?.executor === 'constant-arrival-rate' ? (scenario.rate / 60) * JOURNEYS.registry.requestsPerTurn : 0;
  expect(perSecond(with_?.['registry'])).toBeCloseTo(50, 0);
  expect(perSecond(without?.['registry'])).toBeCloseTo(70, 0);
});

it('the soak lasts a day where nothing else is said, at seven tenths of the rate', () => {
  expect(PROFILES.soak.seconds).toBe(86_400);
  const turns = turnsOf(planOf('soak', { rate: 100, flows: ['echo'], seconds: 60 }).scenarios['echo']!);
  expect(turns - 1).toBe(70 * 60);
});

it('the spike is ten times the rate within five seconds, and allows refusals only', () => {
  const { scenarios, thresholds } = planOf('spike', { rate: 10, flows: ['echo'], seconds: 100 });
  expect(scenarios['echo']).toMatchObject({
    startRate: 600,
    stages: [
      { target: 600 },
      { target: 6_000, duration: '5s' },
      { target: 6_000 },
      { duration: '5s' },
      { target: 600 },
    ],
  });
  expect(thresholds['broken']).toEqual(['count==0']);
  expect(thresholds['refused']).toBeUndefined();
});

describe('the profile chaos', () => {
  const timetable = JSON.stringify([
    { at_s: 20, for_s: 10, fault: 'latency', attributes: { latency: 50 } },
    { at_s: 25, for_s: 10, fault: 'down' },
    { at_s: 38, for_s: 2, fault: 'down' },
  ]);
  const { phases, thresholds } = planOf('chaos', { rate: 10, seconds: 60, timetable });

  it('judges the objectives from 5 s after a fault until the next one', () => {
    expect(phases).toEqual([
      { name: 'calm', from: 0, to: 20, rate: 10 },
      { name: 'calm', from: 45, to: 60, rate: 10 },
    ]);
    expect(thresholds['http_req_duration{name:GET /o/{id},expected_response:true,phase:calm}']).toEqual(['p(95)<=80']);
    expect(thresholds['unavailable{phase:calm}']).toEqual(['rate<=0.001']);
    expect(thresholds['unavailable']).toBeUndefined();
  });

  it('allows no wrong answer at any time, and no run without a fault', () => {
    expect(thresholds['checks']).toEqual(['rate==1']);
    expect(thresholds['faults_switched']).toEqual(['count>0']);
    expect(thresholds['http_reqs{phase:calm}']).toEqual(['count>0']);
  });
});

it('a breakpoint may end at each of its steps, once half of the step is over', () => {
  const { thresholds, phases } = planOf('breakpoint', { seconds: 160 });
  expect(phases).toHaveLength(16);
  expect(thresholds['http_req_duration{phase:step-02,expected_response:true}']).toEqual([
    { threshold: 'p(50)<=80', abortOnFail: true, delayAbortEval: '30s' },
  ]);
});

describe('users', () => {
  it('are rate times p99, and half as many more', () => {
    expect(usersFor(1_000, 0.2)).toBe(300);
    expect(usersFor(0.1, 0.2)).toBe(20);
  });

  it('are bounded, with another way out', () => {
    expect(() => usersFor(100_000, 0.2)).toThrow(/lower --rate, or use npm run load -- bulk/);
    expect(usersOf(planOf('load', { rate: 100, flows: ['echo'] }).scenarios['echo']!)).toBe(23);
  });
});

it('every turn has fresh objects of its own in the pool', () => {
  const plan = planOf('load', { rate: 10, flows: ['puts', 'objects'], seconds: 60 });
  const { parts, size } = poolPlanOf(plan);
  const puts = turnsOf(plan.scenarios['puts']!);
  expect(parts['puts']).toEqual({ from: PREPARE_OBJECTS, each: 1 });
  expect(parts['objects']).toEqual({ from: PREPARE_OBJECTS + puts, each: 1 });
  expect(size).toBe(PREPARE_OBJECTS + puts + turnsOf(plan.scenarios['objects']!));
});

it('an unknown profile or flow is refused with those there are', () => {
  expect(() => planOf('lod', {})).toThrow(/no profile 'lod'; there are: smoke, load/);
  expect(() => planOf('load', { flows: ['mixd'] })).toThrow(/no flow 'mixd'; there are: echo/);
});

it('settings of k6 that would replace the scenarios are refused', () => {
  expect(() => readSettings({ K6_VUS: '5' })).toThrow(/K6_VUS/);
  expect(() => readSettings({ RATE: '-1' })).toThrow(/RATE=-1/);
});

it('durations are read as k6 reads them', () => {
  expect(parseSeconds('1h30m')).toBe(5_400);
  expect(() => parseSeconds('90')).toThrow(/no duration/);
  expect(() => parseSeconds('0s')).toThrow(/no duration/);
});
