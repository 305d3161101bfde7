// What a profile was measured at, kept per profile with the machine named: for people, and for runs without a base.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { FLOW_NAMES } from '../../k6/flows/flows.ts';
import { ROOT } from '../bootstrap.mjs';
import { type GateProfile, PROFILES, type Recording, type Sample } from './samples.ts';

const Figures = z.strictObject({
  p95_ms: z.number().positive(),
  cpu_us: z.number().positive(),
  rate: z.number().positive(),
  memory_mib: z.number().positive(),
});
type Figures = z.infer<typeof Figures>;

export const Baseline = z.strictObject({
  profile: z.enum(PROFILES),
  date: z.iso.date(),
  revision: z.string(),
  machine: z.strictObject({ cpu: z.string(), cores: z.int().positive(), node: z.string() }),
  flows: z.partialRecord(z.enum(FLOW_NAMES), Figures),
});
export type Baseline = z.infer<typeof Baseline>;

export const baselineFile = (profile: GateProfile): string => join(ROOT, 'k6', 'baselines', `${profile}.json`);

const median = (values: readonly number[]): number =>
  Number(([...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN).toPrecision(4));

/** Medians of the head. */
export function baselineOf({ profile, date, head, machine, flows }: Recording): Baseline {
  const figures = Object.entries(flows).map(([flow, samples]) => {
    const of = (value: (sample: Sample) => number): number => median(samples.head.map(value));
    const one: Figures = {
      p95_ms: of((sample) => sample.p95_ms),
      cpu_us: of((sample) => sample.cpu_us),
      rate: of((sample) => sample.rate),
      memory_mib: of((sample) => sample.memory_mib),
    };
    return [flow, one] as const;
  });
  return { profile, date: date.slice(0, 10), revision: head, machine, flows: Object.fromEntries(figures) };
}

export function readBaseline(profile: GateProfile): Baseline | undefined {
  const file = baselineFile(profile);
  return existsSync(file) ? Baseline.parse(JSON.parse(readFileSync(file, 'utf8'))) : undefined;
}

export function writeBaseline(baseline: Baseline): void {
  writeFileSync(baselineFile(baseline.profile), `${JSON.stringify(baseline, null, 2)}\n`);
}

/** How a run stands to the baseline: for information, since machines and their moods differ. */
export function besideBaseline(now: Baseline, kept: Baseline): string[] {
  const same = now.machine.cpu === kept.machine.cpu && now.machine.cores === kept.machine.cores;
  const head = `beside the baseline of ${kept.date} (${kept.revision}), ${same ? 'the same kind of machine' : `another machine: ${kept.machine.cores} cores of ${kept.machine.cpu}`}`;
  const rows = Object.entries(now.flows).flatMap(([flow, figures]) => {
    const before = kept.flows[flow as keyof typeof kept.flows];
    if (before === undefined) return [];
    const change = (name: keyof Figures): string =>
      `${name} ${((figures[name] / before[name] - 1) * 100).toFixed(0)} %`;
    return [`  ${flow.padEnd(8)} ${(['p95_ms', 'cpu_us', 'rate', 'memory_mib'] as const).map(change).join(', ')}`];
  });
  return [head, ...rows];
}
