// npm run bench: one benchmark by name.
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type BenchResult, isMet, runBench, runSelf } from './bench-harness.ts';
import { pageWith } from './bench-page.ts';
import { BENCHES } from './benches/benches.ts';
import { endWith } from './verb.ts';

const [name, ...args] = process.argv.slice(2);

// What a benchmark started ends with it: ending by a signal has to be an exit like any other.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

function print({ ratios, goals = [], machine }: BenchResult): void {
  for (const [ratio, value] of Object.entries(ratios))
    process.stdout.write(`  ${ratio.padEnd(34)} ${String(value).padStart(10)} x\n`);
  for (const goal of goals) {
    const promise = `${goal.is} ${goal.bound}`;
    process.stdout.write(
      `  ${isMet(goal) ? 'met  ' : 'short'} ${goal.name.padEnd(34)} ${String(goal.measured).padStart(10)}   (${promise})\n`,
    );
  }
  process.stdout.write(`  on ${machine.cores} cores of ${machine.cpu}, Node ${machine.node}\n`);
}

await endWith(async () => {
  if (name === undefined) {
    for (const [each, { summary }] of Object.entries(BENCHES)) process.stdout.write(`${each.padEnd(16)} ${summary}\n`);
    return;
  }
  const bench = BENCHES[name];
  if (bench === undefined)
    throw new Error(`There is no benchmark '${name}'; there are: ${Object.keys(BENCHES).join(', ')}.`);
  const { values } = parseArgs({
    args,
    options: {
      json: { type: 'string' },
      page: { type: 'string' },
      runs: { type: 'string', default: '5' },
      ...('flags' in bench ? bench.flags : {}),
    },
  });
  process.stdout.write(`${name}: ${bench.summary}\n`);
  const result = 'run' in bench ? await runSelf(name, bench, values) : await runBench(name, bench, Number(values.runs));
  print(result);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
  if (values.page !== undefined) writeFileSync(values.page, pageWith(readFileSync(values.page, 'utf8'), result));
});
