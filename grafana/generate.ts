import { BOARDS } from './boards/index.ts';
import { lintFile } from './lint/dashboard-linter/exclusions.ts';
import { subjectOf } from './lint/index.ts';
import { composedRuleFiles, unitTestFiles } from './rules/files.ts';
import { alertsPage, sloPage } from './rules/pages.ts';
import { runbookPage } from './runbook/page.ts';

/** Every file this workspace derives: path from the repository root, and content. */
export function grafanaFiles(): ReadonlyMap<string, string> {
  const subjects = BOARDS.map((board) => subjectOf(board));
  return new Map([
    ...subjects.map(
      ({ board, json }) => [`grafana/dashboards/${board.uid}.json`, `${JSON.stringify(json, null, 2)}\n`] as const,
    ),
    ['grafana/dashboards/.lint', lintFile(subjects)] as const,
    ...composedRuleFiles(),
    ...unitTestFiles(),
    ['docs/slo.md', sloPage()] as const,
    ['docs/alerts.md', alertsPage()] as const,
    ['docs/runbook.md', runbookPage()] as const,
  ]);
}
