// The revisions that are compared, checked out and built beside the working tree, once for each commit.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ROOT } from '../bootstrap.mjs';
import { runProgram } from '../stages.ts';

/** Compares the tree with itself: what the gate says then is noise. */
export const SAME = 'same';
const TRUNK = 'origin/main';

/** A built tree that can be measured. */
export interface Revision {
  readonly root: string;
  /** Commit, `same`, or the working tree by its commit and whether it was changed. */
  readonly revision: string;
  /** Why this one, for people. */
  readonly reason: string;
}

/** What git knows, so that the choice is a function of it. */
export interface History {
  readonly head: string;
  readonly parent: string | undefined;
  /** Where this branch left the trunk; undefined without a trunk. */
  readonly mergeBase: string | undefined;
  /** Whether tracked files differ from HEAD. */
  readonly changed: boolean;
}

/**
 * The revision to compare with when none is named: where the branch left the trunk; on the trunk itself what is committed,
 * if files were changed since, else the commit before.
 */
export function chooseBase({ head, parent, mergeBase, changed }: History): { revision: string; reason: string } {
  if (mergeBase !== undefined && mergeBase !== head) {
    return { revision: mergeBase, reason: `where this branch left ${TRUNK}` };
  }
  if (changed) return { revision: head, reason: 'HEAD, for files were changed since' };
  if (parent === undefined) throw new Error('There is nothing to compare with: name a revision with --base.');
  return { revision: parent, reason: 'the commit before HEAD' };
}

/** What is compared with the base: the working tree, or the revision named. */
export async function provideTree(named: string | undefined, say: (line: string) => void): Promise<Revision> {
  if (named !== undefined) return provide({ revision: commitOf(named, '--tree'), reason: `--tree ${named}` }, say);
  const revision = `${git('rev-parse', '--short', 'HEAD')}${isChanged() ? ' with changes' : ''}`;
  return { root: ROOT, revision, reason: 'the working tree' };
}

/** What the tree is compared with. */
export async function provideBase(
  named: string | undefined,
  tree: Revision,
  say: (line: string) => void,
): Promise<Revision> {
  if (named === SAME) return { root: tree.root, revision: SAME, reason: 'the tree itself' };
  if (named === undefined) return provide(chooseBase(history()), say);
  return provide({ revision: commitOf(named, '--base'), reason: `--base ${named}` }, say);
}

/** Checks a commit out under `.run/perf-gate` and builds it, unless that was done before. */
async function provide({ revision, reason }: Omit<Revision, 'root'>, say: (line: string) => void): Promise<Revision> {
  const root = join(ROOT, '.run', 'perf-gate', revision);
  const built = join(root, '.run', 'perf-gate-built');
  if (!existsSync(built)) {
    say(`building ${revision.slice(0, 12)}; this is done once for each commit and not part of the time of a run`);
    checkOut(revision, root);
    await build(root);
    mkdirSync(join(root, '.run'), { recursive: true });
    writeFileSync(built, revision);
  }
  return { root, revision, reason };
}

function checkOut(revision: string, root: string): void {
  rmSync(root, { recursive: true, force: true });
  git('worktree', 'prune');
  git('worktree', 'add', '--detach', '--force', root, revision);
}

async function build(root: string): Promise<void> {
  // The programs of this tree stay off its path: it has its own.
  const path = (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((entry) => !entry.startsWith(join(ROOT, 'node_modules')));
  const env = { PATH: [join(root, 'node_modules', '.bin'), ...path].join(delimiter) };
  if (sameFile(join(ROOT, 'package-lock.json'), join(root, 'package-lock.json'))) linkModules(root);
  await runProgram([process.execPath, join(root, 'scripts', 'run.mjs'), 'build'], { cwd: root, env });
}

/** A copy by hard links: no second download and no disk. Links of workspaces are relative, so they point into the copy. */
function linkModules(root: string): void {
  const [from, to] = [join(ROOT, 'node_modules'), join(root, 'node_modules')];
  const part = `${to}.part`;
  rmSync(part, { recursive: true, force: true });
  // Across file systems there are no hard links: npm ci does it then, as it does when the lock files differ.
  if (spawnSync('cp', ['-al', from, part]).status !== 0) return rmSync(part, { recursive: true, force: true });
  // What this tree writes in place must not be shared.
  for (const own of ['.macronode-build', '.macronode-install', '.cache'])
    rmSync(join(part, own), { recursive: true, force: true });
  renameSync(part, to);
}

const sameFile = (one: string, other: string): boolean => readFileSync(one).equals(readFileSync(other));

function history(): History {
  return {
    head: git('rev-parse', 'HEAD'),
    parent: tryGit('rev-parse', '--verify', '--quiet', 'HEAD~1'),
    mergeBase: tryGit('merge-base', TRUNK, 'HEAD'),
    changed: isChanged(),
  };
}

const isChanged = (): boolean => git('status', '--porcelain', '--untracked-files=no') !== '';

function commitOf(revision: string, flag: '--base' | '--tree'): string {
  const commit = tryGit('rev-parse', '--verify', '--quiet', `${revision}^{commit}`);
  if (commit === undefined) throw new Error(`${flag}: there is no revision '${revision}'; fetch it first.`);
  return commit;
}

function git(...args: readonly string[]): string {
  return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}

function tryGit(...args: readonly string[]): string | undefined {
  try {
    return git(...args);
  } catch {
    return undefined;
  }
}
