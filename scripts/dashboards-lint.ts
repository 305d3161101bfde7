// The dashboards under our own lint and, where it is installed, under grafana/dashboard-linter itself.
import { basename, join } from 'node:path';
import { BOARDS } from '../grafana/boards/index.ts';
import { grafanaFiles } from '../grafana/generate.ts';
import { lintBoards } from '../grafana/lint/index.ts';
import { ROOT } from './bootstrap.mjs';
import { programOnPath } from './programs.ts';
import { runProgram, StageFailed, type TestCounts } from './stages.ts';

/** Used where somebody installed it: it is not among the programs infra/tools pins and builds. */
const LINTER = 'dashboard-linter';
const SITE = 'https://github.com/grafana/dashboard-linter';

/**
 * Every rule on every board: ours, and those of the linter as we restate them. Where the linter is on PATH it reads each
 * file as well, strictly, with the exclusions beside them; where it is not, its files count as skipped.
 */
export async function lintDashboards(): Promise<TestCounts> {
  const findings = lintBoards(BOARDS);
  for (const { board, panel, rule, says } of findings) process.stdout.write(`${rule}  ${board}  ${panel}: ${says}\n`);
  if (findings.length > 0) {
    throw new StageFailed(`${findings.length} findings`, { passed: 0, failed: findings.length, skipped: 0 });
  }
  const passed = BOARDS.length;
  const files = [...grafanaFiles().keys()].filter((path) => path.endsWith('.json'));
  const linter = programOnPath(LINTER);
  if (linter === undefined) {
    process.stdout.write(`${LINTER} is not on PATH (${SITE}): its rules were checked as we restate them.\n`);
    return { passed, failed: 0, skipped: files.length };
  }
  for (const path of files) {
    process.stdout.write(`> ${LINTER} ${basename(path)}\n`);
    await runProgram([linter, 'lint', '--strict', join(ROOT, path)]);
  }
  return { passed: passed + files.length, failed: 0, skipped: 0 };
}
