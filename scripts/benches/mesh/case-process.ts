// Times one case, alone in its process: what one call site has seen does not change how another is compiled.
import { quantile } from '../registry/part.ts';
import { BUDGET_CASES, MICRO_CASES } from './micro-cases.ts';
import type { MicroReport } from './micro-case.ts';

/** Runs before those that count: the code is compiled. */
const WARM_UPS = 2;
const NANOS_PER_MS = 1e6;
const MICROS_PER_MS = 1_000;

const [name = '', runs = '9', share = '1'] = process.argv.slice(2);
const found = [...MICRO_CASES, ...BUDGET_CASES].find((one) => one.name === name);
if (found === undefined) throw new Error(`there is no case '${name}'`);

const operations =
  found.batches === undefined ? Math.max(1, Math.round(found.operations * Number(share))) : found.operations;
const prepared = await found.prepare(operations);

const readMs = (): number => {
  if (found.clock === 'wall') return performance.now();
  const { user, system } = process.threadCpuUsage();
  return (user + system) / MICROS_PER_MS;
};

async function nanosOf(work: () => void | Promise<void>): Promise<number> {
  const from = readMs();
  await work();
  return ((readMs() - from) * NANOS_PER_MS) / operations;
}

interface Run {
  readonly spent: number;
  readonly floor: number;
}

async function oneRun(): Promise<Run> {
  const spent: number[] = [];
  const floors: number[] = [];
  for (let batch = 0; batch < (found?.batches ?? 1); batch += 1) {
    await prepared.fresh?.();
    spent.push(await nanosOf(prepared.work));
    floors.push(await nanosOf(prepared.floor));
  }
  return { spent: quantile(spent, 0.5), floor: quantile(floors, 0.5) };
}

for (let run = 0; run < WARM_UPS; run += 1) await oneRun();
const measured: Run[] = [];
for (let run = 0; run < Number(runs); run += 1) measured.push(await oneRun());
prepared.check();
await prepared.dispose?.();
process.send?.({
  type: 'measured',
  nanos: measured.map(({ spent, floor }) => Math.max(0, spent - floor)),
  floors: measured.map(({ floor }) => floor),
  operations: operations * (found.batches ?? 1),
} satisfies MicroReport);
process.disconnect();
