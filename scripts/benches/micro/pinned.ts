import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { programOnPath } from '../../programs.ts';

/** The core that is left to measurements: not the first, where interrupts are handled. */
const CORE = availableParallelism() - 1;

/** Keeps a process with all its threads on one core, where the system has a program for it. Whether it has. */
export function pin(pid: number): boolean {
  const taskset = programOnPath('taskset');
  if (taskset === undefined) return false;
  execFileSync(taskset, ['--all-tasks', '--cpu-list', '--pid', String(CORE), String(pid)], { stdio: 'ignore' });
  return true;
}
