// Named stages one after another, the time of each, and one table at the end.
import { spawn } from 'node:child_process';
import { bootstrapEnvironment, ROOT } from './bootstrap.mjs';

export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export interface Stage {
  readonly name: string;
  /** Throws when the stage fails; may answer what it counted. */
  readonly run: () => Promise<TestCounts | undefined>;
}

export interface StageResult {
  readonly name: string;
  readonly outcome: 'ok' | 'failed' | 'not run';
  readonly seconds: number;
  readonly counts: TestCounts | undefined;
}

/** A stage failed and said so itself; its message is for people, a stack would add nothing. */
export class StageFailed extends Error {
  override readonly name = 'StageFailed';
  readonly counts: TestCounts | undefined;

  constructor(message: string, counts?: TestCounts) {
    super(message);
    this.counts = counts;
  }
}

const bold = (text: string): string => (process.stdout.isTTY ? `\u001b[1m${text}\u001b[0m` : text);

/** Keeps the stages named in `only`, in their own order. Throws on a name that is none. */
export function selectStages(stages: readonly Stage[], only: string | undefined): readonly Stage[] {
  if (only === undefined) return stages;
  const wanted = only.split(',').map((name) => name.trim());
  for (const name of wanted) {
    if (!stages.some((stage) => stage.name === name)) {
      throw new StageFailed(`There is no '${name}'; there are: ${stages.map((stage) => stage.name).join(', ')}.`);
    }
  }
  return stages.filter((stage) => wanted.includes(stage.name));
}

/** Set by the first signal of a run of stages: nothing new is started, what was started is stopped. */
const interruption = new AbortController();

/**
 * Runs the stages in order. The first failure ends the run unless `keepGoing`, a signal ends it always; what was left
 * out is listed as not run.
 */
export async function runStages(stages: readonly Stage[], { keepGoing = false } = {}): Promise<readonly StageResult[]> {
  const results: StageResult[] = [];
  let broken = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interruption.abort());
  for (const stage of stages) {
    if (interruption.signal.aborted || (broken && !keepGoing)) {
      results.push({ name: stage.name, outcome: 'not run', seconds: 0, counts: undefined });
      continue;
    }
    process.stdout.write(`\n${bold(`── ${stage.name} ──`)}\n`);
    const result = await runStage(stage);
    broken ||= result.outcome === 'failed';
    results.push(result);
    process.stdout.write(`${stage.name}: ${result.outcome} in ${result.seconds.toFixed(1)} s\n`);
  }
  return results;
}

async function runStage({ name, run }: Stage): Promise<StageResult> {
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  try {
    const counts = await run();
    return { name, outcome: 'ok', seconds: seconds(), counts };
  } catch (error) {
    const expected = error instanceof StageFailed;
    process.stderr.write(`${error instanceof Error ? (expected ? error.message : error.stack) : String(error)}\n`);
    return { name, outcome: 'failed', seconds: seconds(), counts: expected ? error.counts : undefined };
  }
}

/** The table of times, and the totals of every test that ran. Sets the exit code. */
export function report(results: readonly StageResult[]): void {
  const width = Math.max(...results.map(({ name }) => name.length));
  const lines = results.map(({ name, outcome, seconds, counts }) => {
    const tests = counts === undefined ? '' : `  ${describe(counts)}`;
    return `  ${name.padEnd(width)}  ${outcome.padEnd(7)}  ${seconds.toFixed(1).padStart(7)} s${tests}`;
  });
  const total = results.reduce((sum, { seconds }) => sum + seconds, 0);
  const counted = results.flatMap(({ counts }) => (counts === undefined ? [] : [counts]));
  process.stdout.write(
    `\n${bold('Time per stage')}\n${lines.join('\n')}\n  ${'total'.padEnd(width)}           ${total.toFixed(1).padStart(7)} s\n`,
  );
  if (counted.length > 0) process.stdout.write(`\n${bold('Tests')}: ${describe(counted.reduce(add))}\n`);
  const failed = results.filter(({ outcome }) => outcome !== 'ok');
  if (failed.length === 0) return;
  process.stdout.write(`\n${failed.map(({ name, outcome }) => `${name}: ${outcome}`).join('\n')}\n`);
  process.exitCode = 1;
}

const add = (a: TestCounts, b: TestCounts): TestCounts => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + b.skipped,
});

function describe({ passed, failed, skipped }: TestCounts): string {
  return `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

/** Runs a program of the workspace with its output shown; throws StageFailed unless it exits with 0. */
export async function runProgram(command: readonly [string, ...string[]], options: RunOptions = {}): Promise<void> {
  const code = await exitCodeOf(command, options);
  if (code !== 0) throw new StageFailed(`${command.slice(0, 3).join(' ')} … failed (exit code ${code})`);
}

/**
 * Runs a program of the workspace with its output shown, and answers its exit code. A signal ends the program, not this
 * process: whoever called still stops what it started.
 */
export async function exitCodeOf(
  [program, ...args]: readonly [string, ...string[]],
  options: RunOptions = {},
): Promise<number> {
  if (interruption.signal.aborted) throw new StageFailed('interrupted');
  const child = spawn(program, args, {
    cwd: options.cwd ?? ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...bootstrapEnvironment(), ...options.env },
  });
  const onInterrupt = (): void => {
    // The terminal has sent it to the program as well.
    if (!process.stdin.isTTY) child.kill('SIGINT');
  };
  const onTerminate = (): void => void child.kill('SIGTERM');
  process.on('SIGINT', onInterrupt).on('SIGTERM', onTerminate);
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve(code ?? 1));
    });
  } finally {
    process.off('SIGINT', onInterrupt).off('SIGTERM', onTerminate);
  }
}
