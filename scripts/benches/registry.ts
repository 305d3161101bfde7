import type { CaseResult, Flags, Goal, Outcome, SelfRunningBench } from '../bench-harness.ts';
import { canonicalisation } from './registry/canonical.ts';
import { commits } from './registry/commits.ts';
import { compaction } from './registry/compaction.ts';
import { crash } from './registry/crash.ts';
import { far } from './registry/far.ts';
import { headAppend } from './registry/head-append.ts';
import { type Found, type Part, single } from './registry/part.ts';
import { reads } from './registry/reads.ts';
import { starts } from './registry/starts.ts';
import { stream } from './registry/stream.ts';
import { variants } from './registry/variants.ts';
import { verification } from './registry/verification.ts';

const PARTS: readonly Part[] = [
  verification,
  canonicalisation,
  headAppend,
  reads,
  commits,
  stream,
  far,
  starts,
  crash,
  compaction,
  variants,
];

/** Those `--only` names, in the order of a whole run; throws on a name that is none. */
function chosen({ only }: Flags): readonly Part[] {
  if (typeof only !== 'string') return PARTS;
  const names = only.split(',');
  const unknown = names.find((name) => PARTS.every((part) => part.name !== name));
  if (unknown !== undefined)
    throw new Error(`There is no part '${unknown}'; there are: ${PARTS.map(({ name }) => name).join(', ')}.`);
  return PARTS.filter(({ name }) => names.includes(name));
}

/** Of every log that was started: each was verified as a whole at its end. */
function audited(found: readonly Found[]): { readonly cases: readonly CaseResult[]; readonly goals: readonly Goal[] } {
  const counts = found.flatMap(({ auditFailures }) => auditFailures ?? []);
  if (counts.length === 0) return { cases: [], goals: [] };
  const sum = counts.reduce((total, one) => total + one, 0);
  return {
    cases: [single('audit_failures', 'count', sum, counts.length)],
    goals: [{ name: 'audit_failures', measured: sum, is: 'at most', bound: 0 }],
  };
}

async function measure(flags: Flags): Promise<Outcome> {
  const found: Found[] = [];
  for (const part of chosen(flags)) {
    process.stdout.write(`${part.name}\n`);
    found.push(await part.run(flags['quick'] === true));
  }
  const merged = <T>(of: (one: Found) => Readonly<Record<string, T>> | undefined): Record<string, T> =>
    Object.assign({}, ...found.map(of)) as Record<string, T>;
  const audit = audited(found);
  return {
    cases: [...found.flatMap(({ cases = [] }) => cases), ...audit.cases],
    ratios: merged(({ ratios }) => ratios),
    slopes: merged(({ slopes }) => slopes),
    figures: merged(({ figures }) => figures),
    goals: [...found.flatMap(({ goals = [] }) => goals), ...audit.goals],
  };
}

/** The log from its signatures to its readers, part by part. */
export const registry: SelfRunningBench = {
  summary: 'the log: approvals, canonical form, head, reads, commits, events, starts, CPU and memory',
  flags: { quick: { type: 'boolean', default: false }, only: { type: 'string' } },
  run: measure,
};
