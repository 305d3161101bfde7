// npm run chaos -- SCENARIO|all: a node broken under load, its expectation checked, its ledger closed.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { outcomeTable, progress } from './chaos/outcome.ts';
import { writeResults } from './chaos/page.ts';
import { NodePool, type Row, runScenario } from './chaos/run.ts';
import { secondsOf, type Scenario } from './chaos/scenario.ts';
import { SCENARIOS } from './chaos/scenarios/index.ts';
import { endWith } from './verb.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    list: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});

/** Throws with what there is when a name is none. */
function chosen(names: readonly string[]): readonly Scenario[] {
  if (names.length === 0) throw new Error('Which scenario? npm run chaos -- all, or one of npm run chaos -- --list');
  if (names.includes('all')) return SCENARIOS;
  return names.map((name) => {
    const found = SCENARIOS.find((scenario) => scenario.name === name);
    if (found === undefined) throw new Error(`There is no scenario '${name}': npm run chaos -- --list shows them.`);
    return found;
  });
}

function list(): void {
  const width = Math.max(...SCENARIOS.map(({ name }) => name.length));
  for (const { name, what } of SCENARIOS) process.stdout.write(`${name.padEnd(width)}  ${what}\n`);
}

/** The first signal mends what is broken and stops what runs; nothing stays behind. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => {
      process.stdout.write('interrupted: mending and stopping\n');
      controller.abort();
    });
  return controller.signal;
}

await endWith(async () => {
  if (values.list) return list();
  const scenarios = chosen(positionals);
  if (values.write && scenarios !== SCENARIOS)
    throw new Error('--write takes a whole run: npm run chaos -- all --write');
  await using pool = new NodePool();
  const interrupted = interruption();
  const rows: Row[] = [];
  for (const [at, scenario] of scenarios.entries()) {
    const place = `${at + 1}/${scenarios.length}`;
    progress.begin(place, scenario, secondsOf(scenario, values.quick));
    const row = await runScenario(scenario, pool, { quick: values.quick, interrupted });
    if (interrupted.aborted) throw new Error('Interrupted: everything that was started is stopped.');
    rows.push(row);
    progress.end(place, row);
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ scenarios: rows }, null, 2)}\n`);
  }
  process.stdout.write(`\n${outcomeTable(rows)}\n`);
  if (values.write) writeResults(rows);
  const wrong = rows.filter(({ ok }) => !ok);
  if (wrong.length > 0)
    throw new Error(`${wrong.length} of ${rows.length} not as expected: ${wrong.map(({ name }) => name).join(', ')}`);
});
