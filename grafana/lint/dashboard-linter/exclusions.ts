import { type Catalogue, seriesOf } from '../catalogue.ts';
import { type Selector, selectorsIn } from '../promql.ts';
import { panelsOf, type Subject } from '../rule.ts';
import { isFleetTotal } from '../rules/variables.ts';

/** One target a rule of the linter is not asked of. */
interface Exclusion {
  readonly dashboard: string;
  readonly panel: string;
  readonly targetIdx: number;
}

interface ExcludedRule {
  readonly rule: string;
  readonly label: string;
  readonly reason: string;
}

const EXCLUDED: readonly ExcludedRule[] = [
  {
    rule: 'target-job-rule',
    label: 'job',
    reason: 'Recorded series, ALERTS and what k6 writes have no job: it is aggregated away, or nobody scraped them.',
  },
  {
    rule: 'target-instance-rule',
    label: 'instance',
    reason:
      'Series recorded for a service or an objective, ALERTS and what k6 writes have no instance; boards of all services show the edge as a total.',
  },
];

const carries = ({ matchers }: Selector, label: string): boolean =>
  matchers.some((matcher) => matcher.label === label && matcher.operator === '=~' && matcher.value === `$${label}`);

/** Series that are not scraped from us and have no such label. */
function cannotCarry(catalogue: Catalogue, { metric }: Selector, label: string): boolean {
  const series = seriesOf(catalogue, metric);
  return series !== undefined && series.declaration === undefined && !series.labels.includes(label);
}

/** Targets in which every selector carries the variable, or cannot, or is a total on purpose. */
function excludedTargets({ board, json, catalogue }: Subject, label: string): readonly Exclusion[] {
  return panelsOf(json).flatMap(({ title, targets = [] }) =>
    targets.flatMap(({ expr }, targetIdx) => {
      const without = selectorsIn(expr).filter((selector) => !carries(selector, label));
      const justified = without.every(
        (selector) =>
          cannotCarry(catalogue, selector, label) || (label === 'instance' && isFleetTotal(board, selector.matchers)),
      );
      return without.length > 0 && justified ? [{ dashboard: json.title, panel: title, targetIdx }] : [];
    }),
  );
}

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

const entryYaml = ({ dashboard, panel, targetIdx }: Exclusion): string =>
  [
    `      - dashboard: ${quoted(dashboard)}`,
    `        panel: ${quoted(panel)}`,
    `        targetIdx: '${targetIdx}'`,
  ].join('\n');

/** The `.lint` file beside the dashboards: what the linter leaves out, with the reason. */
export function lintFile(subjects: readonly Subject[]): string {
  const rules = EXCLUDED.map(({ rule, label, reason }) => {
    const entries = subjects.flatMap((subject) => excludedTargets(subject, label)).map(entryYaml);
    return [`  ${rule}:`, `    reason: ${quoted(reason)}`, '    entries:', ...entries].join('\n');
  });
  return `${['# Written by `npm run generate`; edits are lost.', 'exclusions:', ...rules].join('\n')}\n`;
}

/** Titles of the panels, with the number of the target, that the `.lint` file leaves out of a rule. */
export function excludedOf(subject: Subject, rule: string): ReadonlySet<string> {
  const excluded = EXCLUDED.find((candidate) => candidate.rule === rule);
  if (excluded === undefined) return new Set();
  return new Set(excludedTargets(subject, excluded.label).map(({ panel, targetIdx }) => `${panel} ${targetIdx}`));
}
