import type { Flags, Outcome, SelfRunningBench } from '../bench-harness.ts';
import { grid } from './mesh/grid.ts';
import { CASE_PROCESS, MICRO_CASES } from './mesh/micro-cases.ts';
import { type Measured, measureCase } from './micro/measure-case.ts';
import { rounded, say, single } from './registry/part.ts';

/** A median of fewer says little. */
const RUNS_MIN = 9;
const GRID = Object.freeze({ lives: 9, rounds: 2, share: 1 });
const QUICK = Object.freeze({ runs: 3, share: 0.1, grid: { lives: 3, rounds: 1, share: 0.25 } });
const NANOS_PER_SECOND = 1e9;

async function measureAll(runs: number, share: number): Promise<ReadonlyMap<string, Measured>> {
  const measured = new Map<string, Measured>();
  for (const one of MICRO_CASES) measured.set(one.name, await measureCase(CASE_PROCESS, one, { runs, share }));
  return measured;
}

async function measure(flags: Flags): Promise<Outcome> {
  const quick = flags['quick'] === true;
  const runs = quick ? QUICK.runs : Math.max(RUNS_MIN, Number(flags['runs']));
  const share = quick ? QUICK.share : 1;
  const measured = flags['only'] === 'grid' ? new Map<string, Measured>() : await measureAll(runs, share);
  const nanos = (name: string): number => measured.get(name)?.result.median ?? Number.NaN;
  const percentOf = (part: string, of: string): number => rounded((nanos(part) / nanos(of)) * 100);
  const whole = flags['only'] === 'micro' ? {} : await grid(quick ? QUICK.grid : GRID);
  const cases = [...measured.values()].map(({ result }) => result);
  if (measured.size > 0) {
    const perSecond = NANOS_PER_SECOND / nanos('audit_flush');
    say(`audit log: ${Math.round(perSecond).toLocaleString('en')} records/s to disk, sustained`);
    cases.push(single('audit records to disk', 'records/s', perSecond, runs));
  }
  return {
    cases: [...cases, ...(whole.cases ?? [])],
    ratios:
      measured.size === 0
        ? {}
        : {
            'tracing at debug, % of merge_accept': percentOf('tracing_claims', 'merge_accept'),
            'audit_record, % of merge_accept': percentOf('audit_record', 'merge_accept'),
          },
    figures: Object.fromEntries([...measured].map(([name, { floorNs }]) => [`floor of ${name}, ns`, floorNs])),
    goals: whole.goals ?? [],
  };
}

/** What the mesh costs: an envelope, a claim, a lookup, a record; and a request beside them. */
export const mesh: SelfRunningBench = {
  summary:
    'claims through the gates, publishing, lookups, audit log, tracing (ns); CPU of a request with the mesh off, idle, asked, saturated',
  flags: { quick: { type: 'boolean', default: false }, only: { type: 'string' } },
  run: measure,
};
