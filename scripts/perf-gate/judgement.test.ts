import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FLOW_NAMES } from '../../k6/flows/flows.ts';
import { judge } from './judgement.ts';
import { type FlowRecording, PROFILES, type Recording, recordingSchema, type Sample } from './recording.ts';
import { GOLDEN_METRICS, type Rule, RULES } from './rules.ts';
import { table } from './report.ts';
import type { Waivers } from './waivers.ts';

const SAMPLES = new URL('samples/', import.meta.url);
const NONE: Waivers = { valid: [], faults: [] };
const FIELD = {
  p95: 'p95Ms',
  throughput: 'requestsPerSecond',
  cpu: 'cpuMicrosPerRequest',
  memory: 'residentBytes',
} as const;

function read(file: string): Recording {
  return recordingSchema.parse(JSON.parse(readFileSync(new URL(file, SAMPLES), 'utf8')));
}

/** Runs of the gate with the same tree on both sides: what noise is. */
const seeded = readdirSync(SAMPLES)
  .filter((file) => file.startsWith('seeded-'))
  .map((file) => [file, read(file)] as const);
const recordings = readdirSync(SAMPLES)
  .filter((file) => file.startsWith('same-'))
  .map((file) => [file, read(file)] as const);
const flows = recordings.flatMap(([file, recording]) =>
  recording.flows.map((flow) => ({ file, recording, flow: flow.flow })),
);
const cells = flows.flatMap((one) => RULES.map((rule) => ({ ...one, rule })));

function changeFlow(recording: Recording, name: string, change: (flow: FlowRecording) => FlowRecording): Recording {
  return { ...recording, flows: recording.flows.map((flow) => (flow.flow === name ? change(flow) : flow)) };
}

/**
 * Of the noise a pair was recorded with, so much stays beside the change. The 95th percentile of one window is as noisy as
 * its worst moment: what of it would hide a tenth is what a live run calls 'cannot tell'.
 */
const NOISE = { p95: 0.04, throughput: 0.25, cpu: 0.25, memory: 0.25 } as const;

/** All of it. */
const AS_RECORDED = 1;

/** The recorded base, and as the working tree the same windows made worse by a share, noise of each pair beside it. */
function worsen(
  { name, worse }: Rule,
  by: number,
  noise: number = NOISE[name],
): (flow: FlowRecording) => FlowRecording {
  const factor = worse === 'higher' ? 1 + by : 1 - by;
  const field = FIELD[name];
  return (flow) => {
    const logs = flow.pairs.map(({ a, b }) => Math.log(b[field] / a[field]));
    const middle = logs.reduce((sum, log) => sum + log, 0) / logs.length;
    const changed = (a: Sample, b: Sample): Sample => ({
      ...b,
      [field]: a[field] * factor * Math.exp(noise * (Math.log(b[field] / a[field]) - middle)),
    });
    return { ...flow, pairs: flow.pairs.map((pair) => ({ ...pair, b: changed(pair.a, pair.b) })) };
  };
}

const outcomeOf = (recording: Recording, flow: string, rule: string, waivers = NONE): string | undefined =>
  judge(recording, waivers).cells.find((cell) => cell.flow === flow && cell.rule === rule)?.outcome;

it('has recordings of both profiles, every flow in each', () => {
  for (const kind of [recordings, seeded]) {
    expect(kind.map(([, { profile }]) => profile).sort()).toEqual([...PROFILES].sort());
    for (const [, recording] of kind) expect(recording.flows.map(({ flow }) => flow)).toEqual([...FLOW_NAMES]);
  }
});

describe('a recorded run with 15 % more CPU per request', () => {
  it.each(seeded)('%s is caught', (_file, recording) => {
    expect(recording.seededCpuPercent).toBe(15);
    const { cells: found, passes } = judge(recording, NONE);
    expect(passes).toBe(false);
    expect(
      found.some(({ rule, verdict, outcome }) => rule === 'cpu' && verdict === 'slower' && outcome === 'fails'),
    ).toBe(true);
  });
});

describe('a recorded run of one tree against itself', () => {
  it.each(recordings)('%s passes', (_file, recording) => {
    const judgement = judge(recording, NONE);
    expect(judgement.cells.filter(({ outcome }) => outcome === 'fails')).toEqual([]);
    expect(judgement.passes).toBe(true);
    expect(table(judgement, false)).toContain('passes');
  });

  it.each(cells)('$file: $flow fails for $rule.name once it is worse by the bound', ({ recording, flow, rule }) => {
    const worse = changeFlow(recording, flow, worsen(rule, rule.bound));
    expect(judge(worse, NONE).passes).toBe(false);
    expect(outcomeOf(worse, flow, rule.name)).toBe('fails');
  });

  it.each(cells)(
    '$file: $flow does not fail for $rule.name when it is worse by a third of the bound',
    ({ recording, flow, rule }) => {
      const near = changeFlow(recording, flow, worsen(rule, rule.bound / 3));
      expect(outcomeOf(near, flow, rule.name)).toBe('passes');
    },
  );

  it.each(cells)(
    '$file: $flow fails for $rule.name unless a life of three pairs or more shows nothing of it',
    ({ recording, flow, rule }) => {
      const field = FIELD[rule.name];
      const [worse, better] = rule.worse === 'higher' ? [1 + 2 * rule.bound, 0.99] : [1 - 2 * rule.bound, 1.01];
      const outcomeWith = (lucky: number, life: number): string | undefined => {
        const changed = changeFlow(recording, flow, (one) => {
          const [first] = one.pairs;
          if (first === undefined) throw new Error('no pair');
          const pairOf = (number: number, factor: number) => ({
            ...first,
            life: number,
            b: { ...first.a, [field]: first.a[field] * factor },
          });
          const luckyPairs = Array.from({ length: lucky }, () => pairOf(life, better));
          return { ...one, pairs: [...Array.from({ length: 20 }, () => pairOf(1, worse)), ...luckyPairs] };
        });
        return outcomeOf(changed, flow, rule.name);
      };
      expect(outcomeWith(3, 1)).toBe('fails');
      expect(outcomeWith(3, 2)).toBe('passes');
      expect(outcomeWith(2, 2)).toBe('fails');
    },
  );

  it.each(cells)('$file: $flow fails for $rule.name in all its noise once it is worse by more than that', (cell) => {
    const { recording, flow, rule } = cell;
    const found = judge(recording, NONE).cells.find((one) => one.flow === flow && one.rule === rule.name);
    const [lower = 1, upper = 1] = found?.interval ?? [];
    const factor = (upper / lower) * (1 + rule.bound);
    const by = rule.worse === 'higher' ? factor - 1 : 1 - 1 / factor;
    expect(outcomeOf(changeFlow(recording, flow, worsen(rule, by, AS_RECORDED)), flow, rule.name)).toBe('fails');
  });

  it.each(cells)(
    '$file: $flow cannot tell for $rule.name when windows differ by more than the change',
    ({ recording, flow, rule }) => {
      const field = FIELD[rule.name];
      const shaken = changeFlow(recording, flow, (one) => ({
        ...one,
        pairs: one.pairs.map((pair, at) => ({
          ...pair,
          b: { ...pair.a, [field]: pair.a[field] * (at % 2 === 0 ? 2 : 0.6) },
        })),
      }));
      const cell = judge(shaken, NONE).cells.find((one) => one.flow === flow && one.rule === rule.name);
      expect(cell).toMatchObject({ verdict: 'cannot tell', outcome: 'passes' });
    },
  );
});

const BROKEN = [
  {
    rule: 'server-errors',
    counts: { requests: 10_000, serverErrors: 11 },
    allowed: { requests: 10_000, serverErrors: 10 },
  },
  { rule: 'rejects', counts: { requests: 10_000, rejects: 101 }, allowed: { requests: 10_000, rejects: 100 } },
  {
    rule: 'bus-overflow',
    counts: { busMessages: 100_000, busOverflow: 11 },
    allowed: { busMessages: 100_000, busOverflow: 10 },
  },
  { rule: 'mailbox-stall', counts: { failedChecks: { 'mailbox receive: the message sent comes': 1 } }, allowed: {} },
  { rule: 'wrong-answers', counts: { failedChecks: { 'GET: every byte comes': 1 } }, allowed: {} },
] as const;

describe.each(flows)('the budgets of $flow in $file', ({ recording, flow }) => {
  it.each(BROKEN)('$rule: fails above its limit, passes at it', ({ rule, counts, allowed }) => {
    const withCounts = (some: object) =>
      changeFlow(recording, flow, (one) => ({ ...one, counts: { ...one.counts, ...some } }));
    expect(outcomeOf(withCounts(counts), flow, rule)).toBe('fails');
    expect(outcomeOf(withCounts(allowed), flow, rule)).toBe('passes');
  });

  it.each(GOLDEN_METRICS)('fails once $name is gone and due', ({ name, service }) => {
    const services = [...recording.services, ...(service === undefined ? [] : [service])];
    const all = GOLDEN_METRICS.map((metric) => metric.name);
    const showing = (families: string[]): Recording => ({
      ...changeFlow(recording, flow, (one) => ({ ...one, families })),
      services,
    });
    expect(outcomeOf(showing(all), flow, 'golden-metric')).toBe('passes');
    expect(outcomeOf(showing(all.filter((one) => one !== name)), flow, 'golden-metric')).toBe('fails');
  });
});

describe('the judgement', () => {
  const [recording] = recordings.map(([, one]) => one);
  if (recording === undefined) throw new Error('no recording');
  const waived = (rule: string): Waivers => ({
    valid: [
      {
        rule: rule as 'cpu',
        flow: 'objects',
        profile: recording.profile,
        cause: 'an upstream release that hashes twice',
        link: 'https://example.com/1',
        approver: 'Ada',
        baseline: { file: 'k6/baselines/micronode.json', commit: 'a'.repeat(40) },
        granted: '2030-01-01',
        expires: '2030-01-02',
      },
    ],
    faults: [],
  });
  const cpu = RULES.find(({ name }) => name === 'cpu');
  if (cpu === undefined) throw new Error('no rule for CPU');

  it('lets a waiver stand for the rule, flow and profile it names', () => {
    const dearer = changeFlow(recording, 'objects', worsen(cpu, 0.3));
    expect(judge(dearer, waived('cpu')).passes).toBe(true);
    expect(outcomeOf(dearer, 'objects', 'cpu', waived('cpu'))).toBe('waived');
    expect(judge(dearer, waived('p95')).passes).toBe(false);
  });

  it('fails on a fault of the waivers, whatever was measured', () => {
    expect(judge(recording, { valid: [], faults: ['waiver 1: expired'] }).passes).toBe(false);
  });

  it('does not compare a flow the base does not serve, and says so', () => {
    const judgement = judge(
      changeFlow(recording, 'objects', (one) => ({ ...one, baseServes: false, pairs: [] })),
      NONE,
    );
    const found = judgement.cells.filter(({ flow, verdict }) => flow === 'objects' && verdict === 'no base');
    expect(found).toHaveLength(RULES.length);
    expect(judgement.passes).toBe(true);
  });

  it('fails when there are too few valid pairs to tell anything', () => {
    const short = changeFlow(recording, 'objects', (one) => ({
      ...one,
      pairs: one.pairs.slice(0, 3),
      invalidPairs: 9,
    }));
    expect(outcomeOf(short, 'objects', 'p95')).toBe('fails');
  });

  it('names a golden metric that is not due yet', () => {
    const services = recording.services.filter((service) => service !== 'registry');
    const later = judge({ ...recording, services }, NONE).cells.filter(({ verdict }) => verdict === 'not due');
    expect(later[0]?.note).toBe('registry_checkpoint_age_seconds is due once a registry runs');
  });
});
