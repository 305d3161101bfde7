import { ALERT_GROUPS } from './alerts.ts';
import { type AlertRule, alertRule } from './alert-rule.ts';
import { REAL_CLOCK, type RuleClock, waitSeconds } from './clock.ts';
import { causeRecordings, type Recording } from './recording.ts';
import { budgetRecordings, eventRecordings } from './slos.ts';

/** Rules of one group; the longer one is evaluated, the later all of it is. */
export const RULES_MAX = 20;

/** The budgets read weeks: they are worked out once a minute of the real clock. */
const BUDGET_INTERVAL_SECONDS = 60;

export type Rule = Recording | AlertRule;

/** A group of rules as Prometheus reads it. */
export interface RuleGroup {
  readonly name: string;
  readonly interval: string;
  readonly rules: readonly Rule[];
}

/** Groups of one file. */
export type RuleFile = readonly RuleGroup[];

function inGroups(name: string, intervalSeconds: number, rules: readonly Rule[]): RuleFile {
  const groups = Math.ceil(rules.length / RULES_MAX);
  return Array.from({ length: groups }, (_, index) => ({
    name: groups === 1 ? name : `${name}-${index + 1}`,
    interval: `${intervalSeconds}s`,
    rules: rules.slice(index * RULES_MAX, (index + 1) * RULES_MAX),
  }));
}

/** Every rule on a clock: objectives with their budgets and burn alerts in one file, causes in the other. */
export function ruleGroups(clock: RuleClock): Readonly<Record<'slo' | 'causes', RuleFile>> {
  const { burn = [], ...causes } = ALERT_GROUPS;
  const interval = clock.scrapeSeconds;
  const slow = Math.max(interval, waitSeconds(clock, 'budget', BUDGET_INTERVAL_SECONDS));
  const alerts = (list: typeof burn): readonly Rule[] => list.map((alert) => alertRule(alert, clock));
  const budgets = budgetRecordings(clock);
  const isBudget = ({ record }: Recording): boolean => record.includes('remaining');
  return {
    slo: [
      ...inGroups('slo-events', interval, eventRecordings(clock)),
      ...inGroups(
        'slo-burn',
        interval,
        budgets.filter((rule) => !isBudget(rule)),
      ),
      ...inGroups('slo-budgets', slow, budgets.filter(isBudget)),
      ...inGroups('slo-alerts', interval, alerts(burn)),
    ],
    causes: [
      ...inGroups('recordings', interval, causeRecordings(clock)),
      ...Object.entries(causes).flatMap(([name, list]) => inGroups(name, interval, alerts(list))),
    ],
  };
}

/** Every query of the rules, for the checks that follow series to their declarations. */
export const ruleExpressions = (): readonly { readonly rule: string; readonly expr: string }[] =>
  Object.values(ruleGroups(REAL_CLOCK))
    .flat()
    .flatMap(({ rules }) => rules)
    .map((rule) => ({ rule: 'alert' in rule ? rule.alert : rule.record, expr: rule.expr }));
