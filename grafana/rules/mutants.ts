import type { Alert } from './alert.ts';
import { type AlertRule, alertRule } from './alert-rule.ts';
import { ALERTS } from './alerts.ts';
import { REAL_CLOCK, type RuleClock } from './clock.ts';
import type { Rule, RuleFile } from './groups.ts';
import { ruleFileYaml, unitTestYaml } from './promtool.ts';
import { causeRecordings, type Recording } from './recording.ts';
import { budgetRecordings, eventRecordings } from './slos.ts';

/** Weeks of a budget in four hours: the same rules, with few evaluations. */
export const SHORT_CLOCK: RuleClock = Object.freeze({ windowSeconds: 4 * 3_600, scrapeSeconds: 1 });

/** A rule with one thing changed, and the unit tests that have to notice. */
export interface Mutant {
  /** The alert whose tests run. */
  readonly alert: string;
  /** The rule that is changed: the alert, or a series it reads. */
  readonly rule: string;
  readonly change: string;
  readonly rules: string;
  readonly tests: string;
}

type Change = readonly [what: string, changed: string];

/** An expression with one thing changed in each of the ways people get them wrong. */
function expressionChanges(expr: string): readonly Change[] {
  const swaps: readonly (readonly [string, RegExp, string])[] = [
    ['> becomes <', / > (?=[\d.]+)/, ' < '],
    ['> becomes >=', / > (?=[\d.]+)/, ' >= '],
    ['< becomes >', / < (?=[\d.]+)/, ' > '],
    ['< becomes <=', / < (?=[\d.]+)/, ' <= '],
    ['== becomes !=', / == (?=[\d.]+)/, ' != '],
    ['and becomes or', / and /, ' or '],
    ['the guard is gone', / and on \(slo\) avg_over_time.*$/, ''],
    ['the short window is gone', / and on \(slo\) slo:burn_rate:ratio\{[^}]*\} > \d+/, ''],
    ['rate becomes increase', /\brate\(/, 'increase('],
    ['increase becomes rate', /\bincrease\(/, 'rate('],
    ['sum becomes min', /\bsum by/, 'min by'],
    ['max becomes count', /\bmax by/, 'count by'],
    ['min becomes count', /\bmin by/, 'count by'],
    ['instance is lost', /by \(service, instance\)/, 'by (service)'],
    ['service is lost', /by \(service\)/, 'by (job)'],
    ['a quotient becomes a product', / \/ /, ' * '],
    ['the median is taken', /histogram_quantile\(0\.\d+/, 'histogram_quantile(0.5'],
    ['a matcher is lost', /\{[^{}]*\}(?=\[)/g, ''],
    ['absent is not asked', /absent\((.*)\)$/, '$1'],
  ];
  const scaled = (factor: number): string | undefined => {
    const match = /^(.*? (?:>|<) )([\d.]+)(.*)$/.exec(expr);
    if (match === null || Number(match[2]) === 0) return undefined;
    return `${match[1] ?? ''}${Number(match[2]) * factor}${match[3] ?? ''}`;
  };
  return [
    ...swaps.map(([what, from, to]) => [what, expr.replace(from, to)] as const),
    ['the bound is doubled', scaled(2) ?? expr] as const,
    ['the bound is halved', scaled(0.5) ?? expr] as const,
    ['1 is added to a bound of 0', expr.replace(/ > 0$/, ' > 1')] as const,
  ].filter(([what, changed]) => changed !== expr && !isEquivalent(expr, what));
}

/** Changes that no input can tell from the original. */
const isEquivalent = (expr: string, what: string): boolean =>
  // A quantile is the same of counts as of rates.
  (expr.startsWith('histogram_quantile') && what === 'rate becomes increase') ||
  // The guard is joined by `slo`: of the other objectives nothing is ever compared.
  (expr.includes('and on (slo) avg_over_time') && what === 'a matcher is lost') ||
  // What is multiplied by 0 is there, however it is worked out.
  (/ \* 0$/.test(expr) && what === 'max becomes count') ||
  // States are whole numbers: below 1 is 0.
  (expr.includes('readyz_state') && what === 'the bound is halved');

/** A share of counters or a quantile never stands exactly on its bound: `>=` differs from `>` for gauges only. */
const isExact = ({ signals: { settleSeconds } }: Alert): boolean => settleSeconds === 0;

function alertChanges(rule: AlertRule): readonly (readonly [string, AlertRule])[] {
  const { for: wait, keep_firing_for: keep, labels } = rule;
  const { for: _wait, ...atOnce } = rule;
  const { keep_firing_for: _keep, ...forgetful } = rule;
  const seconds = Number.parseInt(wait ?? '0', 10);
  return [
    ...expressionChanges(rule.expr).map(([what, expr]) => [what, { ...rule, expr }] as const),
    ...(seconds > 2 ? [['it does not wait', atOnce] as const] : []),
    ...(seconds > 0 ? [['it waits ten times as long', { ...rule, for: `${seconds * 10}s` }] as const] : []),
    ...(keep === undefined ? [] : [['it forgets at once', forgetful] as const]),
    ['another severity', { ...rule, labels: { ...labels, severity: 'other' } }],
  ];
}

const clockOf = ({ scale }: Alert): RuleClock => (scale === 'budget' ? SHORT_CLOCK : REAL_CLOCK);

/** Recordings an expression reads, and those these read. */
function readBy(expr: string, all: readonly Recording[]): readonly Recording[] {
  const read = all.filter(({ record, labels }) => {
    if (!expr.includes(record)) return false;
    const window = /window="(\w+)"/g;
    const windows = [...expr.matchAll(window)].map(([, name]) => name);
    return labels?.['window'] === undefined || windows.length === 0 || windows.includes(labels['window']);
  });
  const more = read.flatMap((one) =>
    readBy(
      one.expr,
      all.filter((other) => other.record !== one.record),
    ),
  );
  return [...new Set([...more, ...read])];
}

/** The rules an alert needs, in the order in which they are evaluated. */
function neededBy(alert: Alert, clock: RuleClock): readonly Recording[] {
  const { slo } = alert.labels;
  const all =
    alert.scale === 'budget'
      ? [...eventRecordings(clock), ...budgetRecordings(clock)].filter(
          ({ labels }) => labels?.['slo'] === undefined || labels['slo'] === slo,
        )
      : causeRecordings(clock);
  return readBy(alertRule(alert, clock).expr, all);
}

const fileOf = (rules: readonly Rule[], clock: RuleClock): RuleFile => [
  { name: 'mutant', interval: `${clock.scrapeSeconds}s`, rules },
];

/** Every mutant of an alert and of what it reads. */
function mutantsOf(alert: Alert): readonly Mutant[] {
  const clock = clockOf(alert);
  const needed = neededBy(alert, clock);
  const rule = alertRule(alert, clock);
  const name = [alert.labels['slo'], alert.labels['window'], alert.name].filter(Boolean).join(' ');
  const mutant = (changed: string, change: string, rules: readonly Rule[]): Mutant => ({
    alert: name,
    rule: changed,
    change,
    rules: ruleFileYaml(fileOf(rules, clock)),
    tests: unitTestYaml('rules.yml', [alert], clock),
  });
  return [
    ...alertChanges(rule)
      .filter(([what]) => isExact(alert) || !what.endsWith('='))
      .map(([what, changed]) => mutant(alert.name, what, [...needed, changed])),
    ...needed.flatMap((recording, index) =>
      expressionChanges(recording.expr).map(([what, expr]) =>
        mutant(recording.record, what, [
          ...needed.slice(0, index),
          { ...recording, expr },
          ...needed.slice(index + 1),
          rule,
        ]),
      ),
    ),
  ];
}

/** The rules of an alert as they are: its tests have to pass on them, or no mutant says anything. */
export function untouched(alert: Alert): Mutant {
  const clock = clockOf(alert);
  return {
    alert: alert.name,
    rule: alert.name,
    change: 'nothing',
    rules: ruleFileYaml(fileOf([...neededBy(alert, clock), alertRule(alert, clock)], clock)),
    tests: unitTestYaml('rules.yml', [alert], clock),
  };
}

/** Every mutant of every alert. What two alerts read is changed under the tests of each. */
export const allMutants = (): readonly Mutant[] => ALERTS.flatMap(mutantsOf);
