import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FlowName } from '../../k6/flows/flows.ts';
import { GOLDEN_SERIES, RULES } from './rules.ts';
import { type FlowSamples, PROFILES, Recording, type Sample } from './samples.ts';
import { judge, type Verdict } from './verdict.ts';

/** Two nodes of the same revision, measured by a live run. */
const recordings = PROFILES.map((profile) =>
  Recording.parse(JSON.parse(readFileSync(join(import.meta.dirname, 'recordings', `${profile}.json`), 'utf8'))),
);
const cells = recordings.flatMap((recording) =>
  (Object.keys(recording.flows) as FlowName[]).map((flow) => [recording.profile, flow, recording] as const),
);

/** The recording with the head of one flow changed: as if it had been measured so. The base is what the head was. */
function changed(recording: Recording, flow: FlowName, change: (sample: Sample, at: number) => Sample): Recording {
  const { head } = recording.flows[flow] ?? { head: [] };
  const samples: FlowSamples = { base: head, head: head.map(change) };
  return { ...recording, flows: { ...recording.flows, [flow]: samples } };
}

/** What fails there that did not fail before. */
function found(recording: Recording, flow: FlowName): string[] {
  const fails = ({ fails: yes, flow: of }: Verdict): boolean => yes && of === flow;
  return judge(recording)
    .filter(fails)
    .map(({ rule }) => rule);
}

/** A window is never exactly so many times another: give or take. */
const wobble = (at: number): number => 1 + 0.02 * Math.sin(at * 2.4);

describe.each(cells)('%s, %s', (_profile, flow, recording) => {
  it('passes as it was measured: nothing was changed', () => {
    expect(found(recording, flow)).toEqual([]);
  });

  it.each([
    ['p95', (sample: Sample, at: number): Sample => ({ ...sample, p95_ms: sample.p95_ms * 1.12 * wobble(at) })],
    ['throughput', (sample: Sample, at: number): Sample => ({ ...sample, rate: sample.rate * 0.88 * wobble(at) })],
    ['cpu', (sample: Sample, at: number): Sample => ({ ...sample, cpu_us: sample.cpu_us * 1.15 * wobble(at) })],
    [
      'memory',
      (sample: Sample, at: number): Sample => ({ ...sample, memory_mib: sample.memory_mib * 1.17 * wobble(at) }),
    ],
    ['errors_5xx', (sample: Sample): Sample => ({ ...sample, errors_5xx: Math.ceil(sample.requests * 0.002) })],
    ['rejects', (sample: Sample): Sample => ({ ...sample, rejects: Math.ceil(sample.requests * 0.02) })],
    ['bus_overflow', (sample: Sample): Sample => ({ ...sample, overflows: Math.ceil(sample.frames * 0.0002) })],
  ] as const)('catches %s', (rule, change) => {
    expect(found(changed(recording, flow, change), flow)).toEqual([rule]);
  });

  it.each([
    ['p95', (sample: Sample, at: number): Sample => ({ ...sample, p95_ms: sample.p95_ms * 1.04 * wobble(at) })],
    ['throughput', (sample: Sample, at: number): Sample => ({ ...sample, rate: sample.rate * 0.96 * wobble(at) })],
    ['cpu', (sample: Sample, at: number): Sample => ({ ...sample, cpu_us: sample.cpu_us * 1.05 * wobble(at) })],
    [
      'memory',
      (sample: Sample, at: number): Sample => ({ ...sample, memory_mib: sample.memory_mib * 1.05 * wobble(at) }),
    ],
  ] as const)('lets a small rise of %s pass', (_rule, change) => {
    expect(found(changed(recording, flow, change), flow)).toEqual([]);
  });

  it('calls what is better faster, and lets it pass', () => {
    const better = changed(recording, flow, (sample, at) => ({ ...sample, cpu_us: sample.cpu_us * 0.8 * wobble(at) }));
    const verdict = judge(better).find(({ rule, flow: of }) => rule === 'cpu' && of === flow);
    expect(verdict).toMatchObject({ word: 'faster', fails: false });
  });

  it('cannot tell when noise is larger than the change, and lets it pass', () => {
    const noisy = changed(recording, flow, (sample, at) => ({
      ...sample,
      cpu_us: sample.cpu_us * (at % 2 === 0 ? 1.6 : 0.7),
    }));
    const verdict = judge(noisy).find(({ rule, flow: of }) => rule === 'cpu' && of === flow);
    expect(verdict).toMatchObject({ word: 'cannot tell', fails: false });
  });
});

describe.each(recordings.map((recording) => [recording.profile, recording] as const))('%s', (_profile, recording) => {
  const always = Object.entries(GOLDEN_SERIES).filter(([, service]) => service === 'any');

  it.each(always)('misses %s when it is gone', (name) => {
    const gone = { ...recording, series: recording.series.filter((one) => one !== name) };
    const failing = judge(gone).filter(({ fails, rule }) => fails && rule === 'golden_metric');
    expect(failing.map(({ told }) => told)).toEqual([`${name} is gone`]);
  });

  it('asks for the series of the registry once there is one', () => {
    const told = (services: readonly string[]): string[] =>
      judge({ ...recording, services: [...services] }).map((verdict) => verdict.told);
    expect(told(['gateway']).join()).not.toContain('registry_checkpoint_age_seconds');
    expect(told(['gateway', 'registry'])).toContain('registry_checkpoint_age_seconds is gone');
  });
});

describe('the rules', () => {
  it('are those of the documents', () => {
    expect(RULES).toMatchObject({
      p95: { bound: 0.1 },
      throughput: { bound: 0.1 },
      cpu: { bound: 0.15 },
      memory: { bound: 0.15 },
      errors_5xx: { budget: 0.001 },
      rejects: { budget: 0.01 },
      bus_overflow: { budget: 0.0001 },
    });
  });
});
