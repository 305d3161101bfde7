import { quantile } from '../registry/part.ts';
import type { MicroCase, MicroReport, Prepared } from './micro-case.ts';

/** Runs before those that count: the code is compiled. */
const WARM_UPS = 2;
const NANOS_PER_MS = 1e6;
const MICROS_PER_MS = 1_000;

function readMs(clock: MicroCase['clock']): number {
  if (clock === 'wall') return performance.now();
  const { user, system } = process.threadCpuUsage();
  return (user + system) / MICROS_PER_MS;
}

interface Run {
  readonly spent: number;
  readonly floor: number;
}

async function oneRun({ clock, batches = 1 }: MicroCase, prepared: Prepared, operations: number): Promise<Run> {
  const nanosOf = async (work: () => void | Promise<void>): Promise<number> => {
    const from = readMs(clock);
    await work();
    return ((readMs(clock) - from) * NANOS_PER_MS) / operations;
  };
  const spent: number[] = [];
  const floors: number[] = [];
  for (let batch = 0; batch < batches; batch += 1) {
    await prepared.fresh?.();
    spent.push(await nanosOf(prepared.work));
    floors.push(await nanosOf(prepared.floor));
  }
  return { spent: quantile(spent, 0.5), floor: quantile(floors, 0.5) };
}

/**
 * Times the case of the command line, alone in its process: what one call site has seen does not change how another is
 * compiled. Tells whoever started the process.
 */
export async function runCase(cases: readonly MicroCase[]): Promise<void> {
  const [name = '', runs = '9', share = '1'] = process.argv.slice(2);
  const found = cases.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no case '${name}'`);
  const operations =
    found.batches === undefined ? Math.max(1, Math.round(found.operations * Number(share))) : found.operations;
  const prepared = await found.prepare(operations);
  for (let run = 0; run < WARM_UPS; run += 1) await oneRun(found, prepared, operations);
  const measured: Run[] = [];
  for (let run = 0; run < Number(runs); run += 1) measured.push(await oneRun(found, prepared, operations));
  await prepared.check();
  await prepared.dispose?.();
  process.send?.({
    type: 'measured',
    nanos: measured.map(({ spent, floor }) => Math.max(0, spent - floor)),
    floors: measured.map(({ floor }) => floor),
    operations: operations * (found.batches ?? 1),
  } satisfies MicroReport);
  process.disconnect();
}
