import { isListenMigrationOn, LISTEN_MIGRATION_ADVICE } from './listen-migration.ts';
import { requireProgram } from './programs.ts';
import { RiggedSigners } from './rig/registry-signers.ts';
import type { RunState } from './run-state.ts';
import type { TestCounts } from './stages.ts';
import { E2E_ADMIN_TOKEN, startTarget, type TargetKind } from './targets.ts';
import { runVitest } from './vitest-run.ts';

export interface E2eOptions {
  readonly token?: string | undefined;
  readonly vitestArgs?: readonly string[];
  /** One object of 1 GiB in and out of a node on disk, with its memory measured, instead of the suite. */
  readonly large?: boolean;
}

/** Starts the target, runs the e2e suite against it, and stops it whatever happened. */
export async function runE2e(kind: TargetKind, options: E2eOptions = {}): Promise<TestCounts> {
  requireProgram('go', 'golang-go');
  using signers = RiggedSigners.make();
  await using target = await startTarget(kind, { onDisk: options.large === true, mesh: true, env: signers.env });
  return await runE2eAgainst(target.state, options, { control: target.control, signers: signers.keys });
}

/** Whether every process is to be restarted under load. Said aloud when the machine would fail it, not the node. */
function rolls(state: RunState): boolean {
  if (state.target !== 'processes') return false;
  if (isListenMigrationOn()) return true;
  process.stderr.write(`> the rolling restart is left out: ${LISTEN_MIGRATION_ADVICE}\n`);
  return false;
}

/** What only a node that was started here gives a hold on. */
export interface Hold {
  /** The state file of its processes. */
  readonly control: string;
  /** File with the keys of its registry. */
  readonly signers: string;
}

/** Runs the e2e suite against a node that is already there. */
export function runE2eAgainst(state: RunState, options: E2eOptions, hold?: Hold): Promise<TestCounts> {
  return runVitest(`e2e-${state.target}`, ['--root', 'e2e', ...(options.vitestArgs ?? [])], {
    env: {
      E2E_TARGET: state.target,
      E2E_URL: state.url,
      E2E_OPS: JSON.stringify(state.ops),
      E2E_TOKEN: options.token,
      // Compose and nodes of others are not told a token of ours: there the routes are off.
      E2E_ADMIN_TOKEN: state.target === 'micronode' || state.target === 'processes' ? E2E_ADMIN_TOKEN : undefined,
      E2E_CONTROL: hold?.control,
      E2E_SIGNERS: hold?.signers,
      E2E_MESH: state.meshed === undefined ? undefined : JSON.stringify(state.meshed),
      E2E_LARGE: options.large === true ? '1' : '',
      E2E_ROLLING: rolls(state) ? '1' : '',
    },
  });
}
