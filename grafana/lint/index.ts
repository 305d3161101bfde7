import type { Board } from '../panel.ts';
import { dashboardJson } from '../panels/dashboard-json.ts';
import { ALERTS } from '../rules/alerts.ts';
import { ruleExpressions } from '../rules/groups.ts';
import { UNUSED } from '../unused.ts';
import { CATALOGUE } from './catalogue.ts';
import { excludedOf } from './dashboard-linter/exclusions.ts';
import { linterRules } from './dashboard-linter/linter-rules.ts';
import { familyFindings, type Surroundings } from './family.ts';
import type { Finding, Rule, Subject } from './rule.ts';
import { closureRules } from './rules/closure.ts';
import { identityRules } from './rules/identity.ts';
import { lookRules } from './rules/look.ts';
import { queryRules } from './rules/queries.ts';
import { shapeRules } from './rules/shape.ts';
import { structureRules } from './rules/structure.ts';
import { variableRules } from './rules/variables.ts';

/** Rules about one board, each under the name it has in the design: D1 to D25 but D12, L1, L2 and L4. */
export const BOARD_RULES: readonly Rule[] = [
  ...identityRules,
  ...variableRules,
  ...queryRules,
  ...lookRules,
  ...structureRules,
  ...shapeRules,
  ...closureRules,
];

export const SURROUNDINGS: Surroundings = Object.freeze({
  alerts: ALERTS,
  expressions: ruleExpressions().map(({ expr }) => expr),
  unused: UNUSED,
  catalogue: CATALOGUE,
});

/** A board as it is declared beside the file it becomes. */
export const subjectOf = (board: Board, catalogue = CATALOGUE): Subject => ({
  board,
  json: dashboardJson(board),
  catalogue,
});

/** What `rules` say of one board. */
export const findingsOf = (subject: Subject, rules: readonly Rule[]): readonly Finding[] =>
  rules.flatMap(({ name, check }) =>
    check(subject).map(({ panel = '', says }) => ({ board: subject.board.uid, panel, rule: name, says })),
  );

/** What grafana/dashboard-linter would say with its exclusions. */
export const linterFindingsOf = (subject: Subject): readonly Finding[] =>
  linterRules.flatMap(({ name, check }) => {
    const excluded = excludedOf(subject, name);
    return check(subject)
      .filter(({ panel = '', target = -1 }) => !excluded.has(`${panel} ${target}`))
      .map(({ panel = '', says }) => ({ board: subject.board.uid, panel, rule: name, says }));
  });

/** Every rule on every board, and on the boards with the alerts and rules around them. None is the only good answer. */
export function lintBoards(boards: readonly Board[], surroundings = SURROUNDINGS): readonly Finding[] {
  const subjects = boards.map((board) => subjectOf(board, surroundings.catalogue));
  return [
    ...subjects.flatMap((subject) => findingsOf(subject, BOARD_RULES)),
    ...subjects.flatMap(linterFindingsOf),
    ...familyFindings(subjects, surroundings),
  ];
}
