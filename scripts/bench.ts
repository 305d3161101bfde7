// npm run bench: one benchmark by name.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runBench, type Bench } from './bench-harness.ts';
import { blake3 } from './benches/blake3.ts';
import { oap } from './benches/oap.ts';
import { endWith } from './verb.ts';

/** Every benchmark by its name on the command line. */
const BENCHES: Readonly<Record<string, Bench>> = { blake3, oap };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string' }, runs: { type: 'string', default: '5' } },
});

await endWith(async () => {
  const [name] = positionals;
  if (name === undefined) {
    for (const [each, { summary }] of Object.entries(BENCHES)) process.stdout.write(`${each.padEnd(12)} ${summary}\n`);
    return;
  }
  const bench = BENCHES[name];
  if (bench === undefined)
    throw new Error(`There is no benchmark '${name}'; there are: ${Object.keys(BENCHES).join(', ')}.`);
  process.stdout.write(`${name}: ${bench.summary}\n`);
  const result = await runBench(name, bench, Number(values.runs));
  for (const [ratio, value] of Object.entries(result.ratios))
    process.stdout.write(`  ${ratio.padEnd(34)} ${String(value).padStart(10)} x\n`);
  process.stdout.write(`  on ${result.machine.cores} cores of ${result.machine.cpu}, Node ${result.machine.node}\n`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
});
