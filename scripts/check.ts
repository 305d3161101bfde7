// npm run check: what can be said of the code without running the system, cheapest first.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureBuilt, ROOT } from './bootstrap.mjs';
import { report, runProgram, runStages, selectStages, type Stage } from './stages.ts';
import { runUnitTests } from './unit-tests.ts';

/** Workspaces that are not compiled by the build; their types are checked here. */
const UNBUILT = ['scripts', 'e2e', 'k6', 'grafana', 'infra'];
const CRUISED = ['packages', 'apps', ...UNBUILT];

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    fix: { type: 'boolean', default: false },
    'no-unit': { type: 'boolean', default: false },
  },
});

function step(name: string, work: () => Promise<unknown>): Stage {
  return {
    name,
    run: async () => {
      await work();
      return undefined;
    },
  };
}

async function checkTypes(): Promise<void> {
  const tsc = join(ROOT, 'node_modules', 'tsc7', 'bin', 'tsc');
  for (const folder of UNBUILT) {
    if (existsSync(join(ROOT, folder, 'tsconfig.json'))) await runProgram(['node', tsc, '--noEmit', '-p', folder]);
  }
}

const steps: readonly Stage[] = [
  step('format', () => runProgram(['prettier', '--log-level=warn', values.fix ? '--write' : '--check', '.'])),
  step('build', () => ensureBuilt()),
  step('types', checkTypes),
  step('arrows', () => runProgram(['depcruise', '--config', '.dependency-cruiser.mjs', ...CRUISED])),
  // The configuration of the e2e suite asks which target it is for.
  step('dead-code', () => runProgram(['knip', '--no-progress'], { env: { E2E_TARGET: 'processes' } })),
  step('derived', () => runProgram(['node', join('scripts', 'generate.ts'), ...(values.fix ? [] : ['--check'])])),
  // No cache: what a typed rule says of one file depends on others.
  step('lint', () => runProgram(['eslint', '--max-warnings=0', ...(values.fix ? ['--fix'] : []), '.'])),
  { name: 'unit', run: runUnitTests },
];

const selected = selectStages(steps, values.only).filter(({ name }) => !(values['no-unit'] && name === 'unit'));
report(await runStages(selected, { keepGoing: true }));
