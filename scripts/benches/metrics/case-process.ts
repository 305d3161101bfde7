// Times one case, alone in its process: what one call site has seen does not change how another is compiled.
import { CELL_CASES } from './cell-cases.ts';
import type { CountingReport } from './counting-case.ts';
import { OPENTELEMETRY_CASES } from './opentelemetry-cases.ts';
import { PROM_CLIENT_CASES } from './prom-client-cases.ts';

/** Runs before those that count: the code is compiled. */
const WARM_UPS = 2;
/** A power of two, so that the next value is a mask away. */
const VALUES = 1_024;
const DECADES = 5;
const NANOS_PER_MICRO = 1_000;

const [name = '', runs = '9'] = process.argv.slice(2);
const found = [...CELL_CASES, ...PROM_CLIENT_CASES, ...OPENTELEMETRY_CASES].find((one) => one.name === name);
if (found === undefined) throw new Error(`there is no case '${name}'`);
const { operations } = found;
const { once, counted } = found.make();

let state = 1;
/** Seconds over five decades, from 0.1 ms to 10 s, the same in every process, in an order no branch predictor knows. */
const seconds = Float64Array.from({ length: VALUES }, () => {
  state = (state * 48_271) % 0x7fffffff;
  return 10 ** ((state / 0x7fffffff) * DECADES - 4);
});

/** Ns of this thread's CPU per operation: others on the machine do not lengthen it. */
function nanosOf(work: () => void): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return ((user + system) * NANOS_PER_MICRO) / operations;
}
const nothing = (_seconds: number): void => undefined;
const work = (): void => {
  for (let n = 0; n < operations; n += 1) once(seconds[n & (VALUES - 1)] ?? 0);
};
const floor = (): void => {
  for (let n = 0; n < operations; n += 1) nothing(seconds[n & (VALUES - 1)] ?? 0);
};

const nanos: number[] = [];
const floors: number[] = [];
for (let run = -WARM_UPS; run < Number(runs); run += 1) {
  const spent = nanosOf(work);
  const empty = nanosOf(floor);
  if (run < 0) continue;
  nanos.push(Math.max(0, spent - empty));
  floors.push(empty);
}
const done = operations * (Number(runs) + WARM_UPS);
const told = await counted();
if (told !== done) throw new Error(`${name}: ${told} counted, ${done} done`);
process.send?.({ type: 'measured', nanos, floors } satisfies CountingReport);
process.disconnect();
