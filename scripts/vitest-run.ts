import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './bootstrap.mjs';
import { exitCodeOf, StageFailed, type RunOptions, type TestCounts } from './stages.ts';

const RESULTS = join(ROOT, '.run', 'test-results');

/** Runs vitest with its own report on the terminal and counts what it ran. Tests that did not run fail the stage. */
export async function runVitest(name: string, args: readonly string[], options: RunOptions = {}): Promise<TestCounts> {
  mkdirSync(RESULTS, { recursive: true });
  const file = join(RESULTS, `${name}.json`);
  rmSync(file, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const code = await exitCodeOf(['vitest', 'run', ...reporters, ...args], options);
  const counts = readCounts(file);
  if (counts === undefined) throw new StageFailed(`${name}: vitest wrote no result (exit code ${code})`);
  if (code !== 0) throw new StageFailed(`${name}: ${counts.failed} failed (exit code ${code})`, counts);
  if (counts.skipped > 0)
    throw new StageFailed(`${name}: ${counts.skipped} skipped; nothing may be skipped here`, counts);
  return counts;
}

function readCounts(file: string): TestCounts | undefined {
  try {
    const json = JSON.parse(readFileSync(file, 'utf8')) as Record<string, number>;
    const count = (key: string): number => json[key] ?? 0;
    return {
      passed: count('numPassedTests'),
      failed: count('numFailedTests'),
      skipped: count('numPendingTests') + count('numTodoTests'),
    };
  } catch {
    return undefined;
  }
}
