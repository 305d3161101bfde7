// The revision to compare with: checked out beside the working tree, installed and built once, and kept.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../bootstrap.mjs';
import { runProgram } from '../stages.ts';

const BUILT = '.built';

const git = (...args: readonly string[]): string => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim();

export const isDirty = (): boolean => git('status', '--porcelain', '--untracked-files=no') !== '';

export const revisionOf = (name: string): string => git('rev-parse', '--short=12', `${name}^{commit}`);

/**
 * What the working tree is compared with when nobody says: the commit it is based on, if it has changes; else where its branch left
 * the main one; on the main one itself, the commit before.
 */
export function defaultBase(): string {
  if (isDirty()) return revisionOf('HEAD');
  for (const main of ['origin/main', 'main']) {
    try {
      const fork = git('merge-base', 'HEAD', main);
      if (fork !== git('rev-parse', 'HEAD')) return revisionOf(fork);
    } catch {
      // no such branch here
    }
  }
  return revisionOf('HEAD~1');
}

/** A folder with that revision, built. The working tree itself when it is what is asked for and has no changes. */
export async function checkedOut(revision: string): Promise<string> {
  if (revision === revisionOf('HEAD') && !isDirty()) return ROOT;
  const folder = join(ROOT, '.run', 'perf-gate', revision);
  if (existsSync(join(folder, BUILT))) return folder;
  process.stdout.write(`  building ${revision} once, in ${join('.run', 'perf-gate', revision)}\n`);
  rmSync(folder, { recursive: true, force: true });
  git('worktree', 'prune');
  mkdirSync(join(folder, '..'), { recursive: true });
  git('worktree', 'add', '--force', '--detach', folder, revision);
  const lock = (root: string): string => readFileSync(join(root, 'package-lock.json'), 'utf8');
  // Links of workspaces are relative, so a copy leads to the workspaces beside it. Hard links cost no room.
  if (lock(folder) === lock(ROOT)) await runProgram(['cp', '-al', join(ROOT, 'node_modules'), folder]);
  else await runProgram(['npm', 'ci', '--loglevel=error', '--prefix', folder]);
  await runProgram(['npx', 'turbo', 'run', 'build', '--output-logs=errors-only', '--cwd', folder], {
    env: { TURBO_TELEMETRY_DISABLED: '1' },
  });
  writeFileSync(join(folder, BUILT), '');
  return folder;
}
