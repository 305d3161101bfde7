import { requireProgram } from './programs.ts';
import type { TestCounts } from './stages.ts';
import { VECTORS_ABSENT, vectorsDir } from './vectors.ts';
import { runVitest } from './vitest-run.ts';

/** Tests that need nothing but this machine. */
export async function runUnitTests(): Promise<TestCounts> {
  // Tests of the stores read and fail system calls.
  if (process.platform === 'linux') requireProgram('strace');
  // One of the verifiers of the registry shares no language with the others.
  requireProgram('go', 'golang-go');
  const vectors = vectorsDir();
  if (vectors === undefined) process.stdout.write(`${VECTORS_ABSENT}\n`);
  return runVitest('unit', ['--project', 'unit'], { env: { VECTORS_DIR: vectors } });
}
