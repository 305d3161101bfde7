// npm run ci:full: npm test, and what needs Docker or k6 as well. Meant for the night.
import { parseArgs } from 'node:util';
import { join } from 'node:path';
import { lintDashboards } from './dashboards-lint.ts';
import { runE2e } from './e2e-run.ts';
import { report, runProgram, runStages, selectStages, type Stage, type TestCounts } from './stages.ts';
import { startTarget } from './targets.ts';
import { runOnRedis, TEST_STAGES } from './test-stages.ts';
import { traces } from './traces/stage.ts';
import { endWith } from './verb.ts';

const { values } = parseArgs({ options: { only: { type: 'string' } } });

async function smoke(): Promise<undefined> {
  await using target = await startTarget('micronode');
  await runProgram(['node', join('scripts', 'load.ts'), 'smoke', '--url', target.state.url]);
}

async function large(): Promise<TestCounts> {
  return runE2e('micronode', { large: true });
}

/** The ledger under every fault of its suite, at full length: a partition of ten seconds, and many kills. */
function busFaults(): Promise<TestCounts> {
  return runOnRedis('bus-faults', ['packages/bus/src/redis/ledger'], { BUS_FAULTS: 'long' });
}

/** A verb that says by its exit code how it went. */
async function verb(script: string, ...args: readonly string[]): Promise<undefined> {
  await runProgram(['node', join('scripts', script), ...args]);
}

const stages: readonly Stage[] = [
  ...TEST_STAGES,
  { name: 'dashboards-lint', run: lintDashboards },
  { name: 'traces', run: traces },
  { name: 'bus-faults', run: busFaults },
  { name: 'e2e-compose', run: () => runE2e('compose') },
  { name: 'e2e-large', run: large },
  { name: 'load-smoke', run: smoke },
  { name: 'alert-mutations', run: () => verb('verify-alerts.ts') },
  { name: 'chaos', run: () => verb('chaos.ts', 'all', '--quick') },
  { name: 'verify-dashboards', run: () => verb('verify-dashboards.ts') },
];

await endWith(async () => report(await runStages(selectStages(stages, values.only), { keepGoing: true })));
