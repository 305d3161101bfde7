import type { FlowName } from '../../k6/flows/flows.ts';
import { type Estimate, estimateRatio } from './bootstrap.ts';
import { type BudgetRule, type ComparedRule, GOLDEN_SERIES, type RuleName, RULE_NAMES, RULES } from './rules.ts';
import type { FlowSamples, Recording } from './samples.ts';

export type Word = 'faster' | 'slower' | 'cannot tell' | 'kept' | 'blown' | 'missing';

/** What one rule says of one flow; of the whole node where there is no flow. */
export interface Verdict {
  readonly rule: RuleName | 'golden_metric';
  readonly flow: FlowName | undefined;
  readonly word: Word;
  /** Whether the run fails by it, unless it is waived. */
  readonly fails: boolean;
  readonly told: string;
  readonly estimate?: Estimate;
}

/** Chance that a run without any difference shows one somewhere: shared among all cells that are compared (Bonferroni). */
const FALSE_ALARM = 0.05;

const percent = (ratio: number): string => `${ratio >= 1 ? '+' : ''}${((ratio - 1) * 100).toFixed(1)} %`;

/**
 * `slower` when the whole interval is on the worse side; it fails when a change by the bound of the rule cannot be ruled out
 * either. So noise alone never fails a run, it only widens the interval, and a true change by the bound does not slip
 * through because it was measured a little below.
 */
function compared(samples: FlowSamples, rule: ComparedRule, confidence: number): Omit<Verdict, 'rule' | 'flow'> {
  const pairs = samples.base.map((before, at) => {
    const after = samples.head[at];
    if (after === undefined) throw new Error('base and head have different numbers of windows');
    return [rule.value(before), rule.value(after)] as const;
  });
  const estimate = estimateRatio(pairs, confidence);
  const { ratio, low, high } = estimate;
  const isSlower = rule.worse === 'more' ? low > 1 : high < 1;
  const isFaster = rule.worse === 'more' ? high < 1 : low > 1;
  const reaches = rule.worse === 'more' ? high >= 1 + rule.bound : low <= 1 - rule.bound;
  const told = `${percent(ratio)} (${percent(low)} to ${percent(high)})`;
  return {
    word: isSlower ? 'slower' : isFaster ? 'faster' : 'cannot tell',
    fails: isSlower && reaches,
    told,
    estimate,
  };
}

function kept({ head }: FlowSamples, rule: BudgetRule): Omit<Verdict, 'rule' | 'flow'> {
  const bad = head.reduce((sum, sample) => sum + rule.bad(sample), 0);
  const all = head.reduce((sum, sample) => sum + rule.all(sample), 0);
  const isBlown = bad > rule.budget * all;
  return { word: isBlown ? 'blown' : 'kept', fails: isBlown, told: `${bad} of ${all}, ${rule.budget * 100} % allowed` };
}

/** Every rule for every flow that was measured, then the series that must be there. Pure. */
export function judge({ flows, series, services }: Recording): readonly Verdict[] {
  const measured = Object.entries(flows) as [FlowName, FlowSamples][];
  const cells = measured.length * RULE_NAMES.filter((name) => RULES[name].kind === 'compared').length;
  const confidence = 1 - FALSE_ALARM / Math.max(1, cells);
  const ofFlows = measured.flatMap(([flow, samples]) =>
    RULE_NAMES.map((rule): Verdict => {
      const one = RULES[rule];
      return { rule, flow, ...(one.kind === 'compared' ? compared(samples, one, confidence) : kept(samples, one)) };
    }),
  );
  const golden = Object.entries(GOLDEN_SERIES)
    .filter(([, service]) => service === 'any' || services.includes(service))
    .map(([name]): Verdict => {
      const isThere = series.includes(name);
      return {
        rule: 'golden_metric',
        flow: undefined,
        word: isThere ? 'kept' : 'missing',
        fails: !isThere,
        told: `${name} is ${isThere ? 'served' : 'gone'}`,
      };
    });
  return [...ofFlows, ...golden];
}
