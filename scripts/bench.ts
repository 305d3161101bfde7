// npm run bench: one benchmark by name.
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Bench, type BenchResult, isMet, runBench, runSelf, type SelfRunningBench } from './bench-harness.ts';
import { pageWith } from './bench-page.ts';
import { blake3 } from './benches/blake3.ts';
import { busIdle } from './benches/bus-idle.ts';
import { busInProcess } from './benches/bus-in-process.ts';
import { busOverflow } from './benches/bus-overflow.ts';
import { bus } from './benches/bus.ts';
import { coldStart } from './benches/cold-start.ts';
import { compose } from './benches/compose.ts';
import { edge } from './benches/edge.ts';
import { flows, flowsMicronode } from './benches/flows.ts';
import { oap } from './benches/oap.ts';
import { tracing } from './benches/tracing.ts';
import { endWith } from './verb.ts';

/** Every benchmark by its name on the command line. */
const BENCHES: Readonly<Record<string, Bench | SelfRunningBench>> = {
  blake3,
  bus,
  'bus-idle': busIdle,
  'bus-in-process': busInProcess,
  'bus-overflow': busOverflow,
  'cold-start': coldStart,
  compose,
  edge,
  flows,
  'flows-micronode': flowsMicronode,
  oap,
  tracing,
};

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
