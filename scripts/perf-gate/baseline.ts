import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { FLOW_NAMES } from '../../k6/flows/flows.ts';
import { ROOT } from '../bootstrap.mjs';
import { median } from './judgement.ts';
import { type Machine, machineSchema, type Profile, PROFILES, type Recording } from './recording.ts';
import { RULES } from './rules.ts';

const positive = z.number().positive();

/** What a profile did on one named machine: the medians of the working tree. */
export const baselineSchema = z.strictObject({
  profile: z.enum(PROFILES),
  machine: machineSchema,
  recordedAt: z.iso.datetime(),
  tree: z.string(),
  flows: z.partialRecord(
    z.enum(FLOW_NAMES),
    z.strictObject({ p95: positive, throughput: positive, cpu: positive, memory: positive, pairs: z.number().int() }),
  ),
});
export type Baseline = z.infer<typeof baselineSchema>;

export const baselineFile = (profile: Profile): string => join(ROOT, 'k6', 'baselines', `${profile}.json`);

export function thisMachine(): Machine {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() || 'unknown',
    cores: all.length,
    memoryBytes: totalmem(),
    kernel: release(),
    node: process.versions.node,
  };
}

export function baselineOf({ profile, machine, recordedAt, tree, flows }: Recording): Baseline {
  const rounded = (value: number): number => Number(value.toPrecision(4));
  return {
    profile,
    machine,
    recordedAt,
    tree,
    flows: Object.fromEntries(
      flows
        .filter(({ pairs }) => pairs.length > 0)
        .map(({ flow, pairs }) => [
          flow,
          {
            ...Object.fromEntries(RULES.map(({ name, of }) => [name, rounded(median(pairs.map(({ b }) => of(b))))])),
            pairs: pairs.length,
          },
        ]),
    ),
  };
}

export function writeBaseline(baseline: Baseline): void {
  writeFileSync(baselineFile(baseline.profile), `${JSON.stringify(baseline, null, 2)}\n`);
}

/** The recorded baseline beside what was measured now. It judges nothing: another hour is another machine already. */
export function besideBaseline(now: Baseline): string {
  const file = baselineFile(now.profile);
  if (!existsSync(file)) return 'No baseline is recorded for this profile: --write-baseline records one.';
  const then = baselineSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  const isSame = then.machine.cpu === now.machine.cpu && then.machine.cores === now.machine.cores;
  const where = `${then.machine.cores} × ${then.machine.cpu}, ${then.recordedAt.slice(0, 10)}, ${then.tree}`;
  const head = `Beside the baseline (${where}; ${isSame ? 'a machine like this' : 'ANOTHER MACHINE'}; for information only):`;
  const lines = Object.entries(now.flows).map(([flow, figures]) => {
    const old = then.flows[flow as keyof Baseline['flows']];
    if (old === undefined) return `  ${flow.padEnd(8)}  not in the baseline`;
    const ratios = RULES.map(({ name }) => `${name} ${(figures[name] / old[name]).toFixed(2)}`);
    return `  ${flow.padEnd(8)}  ${ratios.join('  ')}`;
  });
  return [head, ...lines].join('\n');
}
