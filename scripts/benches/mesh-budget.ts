import type { CaseResult, Flags, Goal, Outcome, SelfRunningBench } from '../bench-harness.ts';
import { BUDGET_CASES, CASE_PROCESS } from './mesh/micro-cases.ts';
import { CORE_PERCENT_MAX, corePercent, type Costs, COUNTERS_NS, LOOKUP_NS, violations } from './mesh-budget/bounds.ts';
import { endToEnd } from './mesh-budget/end-to-end.ts';
import { measureCase } from './micro/measure-case.ts';
import { type Found, rounded, say } from './registry/part.ts';

/** A median of fewer says little. */
const RUNS_MIN = 9;
const WHOLE = Object.freeze({ lives: 16, rounds: 2, share: 1, filled: 400 });
const QUICK = Object.freeze({ lives: 3, rounds: 1, share: 0.25, filled: 100 });

interface Arithmetic {
  readonly cases: readonly CaseResult[];
  readonly costs: Costs;
  readonly goals: readonly Goal[];
}

/** Operations a request pays for, times what one costs. */
async function arithmetic(runs: number, share: number, isSeeded: boolean): Promise<Arithmetic> {
  const results = new Map<string, CaseResult>();
  for (const one of BUDGET_CASES) results.set(one.name, (await measureCase(CASE_PROCESS, one, { runs, share })).result);
  const nanos = (name: string): number => results.get(name)?.median ?? Number.NaN;
  const seeded = results.get('counters_cost_seeded');
  if (isSeeded && seeded !== undefined) results.set('counters_cost', { ...seeded, case: 'counters_cost' });
  const [counters, lookup] = [nanos('counters_cost'), nanos('lookup_cost')];
  const most = (name: string, measured: number, bound: number): Goal => ({ name, measured, is: 'at most', bound });
  return {
    cases: [...results.values()],
    costs: { counters, lookup, seeded: nanos('counters_cost_seeded') },
    goals: [
      most('counters_cost, ns', counters, COUNTERS_NS.bound),
      most('counters_cost, ns: the goal', counters, COUNTERS_NS.goal),
      most('counters at 100,000 requests/s, % of a core', rounded(corePercent(counters)), CORE_PERCENT_MAX),
      most('lookup_cost, ns', lookup, LOOKUP_NS.bound),
      most('lookup_cost, ns: the goal', lookup, LOOKUP_NS.goal),
    ],
  };
}

async function measure(flags: Flags): Promise<Outcome> {
  const isQuick = flags['quick'] === true;
  const runs = Math.max(RUNS_MIN, Number(flags['runs']));
  const counted = await arithmetic(runs, isQuick ? 0.25 : 1, flags['seed-violation'] === true);
  const broken = violations(counted.costs);
  const found: Found = flags['only'] === 'arithmetic' ? {} : await endToEnd(isQuick ? QUICK : WHOLE);
  if (broken.length === 0) say('the budget is kept, and a seeded violation of it was found');
  else {
    process.stderr.write(`The budget of the mesh is broken:\n${broken.map((each) => `  ${each}\n`).join('')}`);
    process.exitCode = 1;
  }
  return {
    cases: [...counted.cases, ...(found.cases ?? [])],
    ratios: {},
    goals: [...counted.goals, ...(found.goals ?? [])],
  };
}

/** The validation of the budget: what counters and lookup cost a request, and that whole requests show no more than noise. */
export const meshBudget: SelfRunningBench = {
  summary:
    'counters at most 50 ns of a request and a lookup at most 200 ns, or it fails; whole requests with every part of the mesh',
  flags: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    'seed-violation': { type: 'boolean', default: false },
  },
  run: measure,
};
