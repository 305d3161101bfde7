// What can be said without a node: boards, rules and runbook closed over each other, compose, provisioning, Alertmanager.
import { requireProgram } from '../programs.ts';
import { StageFailed, type TestCounts } from '../stages.ts';
import { runVitest } from '../vitest-run.ts';

/** Lint with its seeded violations, links and uids, the rename drill, compose and what it mounts (L1 to L4, L9 to L12). */
const UNIT = ['--project', 'unit', 'grafana', 'infra', 'scripts/verify'];
/** Rules under promtool with the unit tests of every alert, and inhibition on a real Alertmanager (L8). */
const PROMETHEUS = ['--project', 'prometheus', 'grafana/rules', 'infra'];

export interface SettingsResult {
  readonly passed: number;
  readonly failed: number;
}

async function counted(name: string, args: readonly string[]): Promise<TestCounts> {
  try {
    return await runVitest(name, args);
  } catch (error) {
    if (error instanceof StageFailed && error.counts !== undefined) return error.counts;
    throw error;
  }
}

/** Runs the tests of everything that is written down. */
export async function checkSettings(): Promise<SettingsResult> {
  requireProgram('promtool', 'prometheus');
  requireProgram('prometheus-alertmanager');
  const runs = [await counted('verify-unit', UNIT), await counted('verify-prometheus', PROMETHEUS)];
  const sum = (key: keyof TestCounts): number => runs.reduce((total, counts) => total + counts[key], 0);
  return { passed: sum('passed'), failed: sum('failed') + sum('skipped') };
}
