// Runs the cases of one benchmark and writes what everything that compares reads.
import { cpus } from 'node:os';
import type { ParseArgsOptionsConfig } from 'node:util';

/** Time one window aims at: long enough to drown the timer, short enough that five of them stay a short command. */
const WINDOW_MS = 200;
const WARM_UP_MS = 200;

export interface BenchCase {
  readonly name: string;
  /** What `work` reports in, for example 'ns/op' or 'MB/s'. */
  readonly unit: string;
  /** Does the thing `count` times. */
  readonly work: (count: number) => void | Promise<void>;
  /** Turns one window into a number of `unit`. */
  readonly measure: (count: number, elapsedMs: number) => number;
  /** Bytes one operation handles, where that is part of the story. */
  readonly bytes?: number;
  /** What one operation allocates, counted beforehand. */
  readonly allocations?: { readonly count: number; readonly heapBytes: number; readonly bufferBytes: number };
}

export interface Bench {
  readonly summary: string;
  /** Builds the cases; what it opens it closes in `dispose`. */
  readonly prepare: () => Promise<{
    readonly cases: readonly BenchCase[];
    readonly ratios?: readonly Ratio[];
    dispose?: () => Promise<void>;
  }>;
}

/** A benchmark with processes or a course of its own: it measures by itself and answers what it found. */
export interface SelfRunningBench {
  readonly summary: string;
  /** Its own flags, beside those of every benchmark. */
  readonly flags?: ParseArgsOptionsConfig;
  readonly run: (flags: Flags) => Promise<Outcome>;
}

/** Values of flags as `parseArgs` gives them. */
export type Flags = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

/** What a benchmark found, without when and where. */
export interface Outcome {
  readonly cases: readonly CaseResult[];
  readonly ratios: Readonly<Record<string, number>>;
  readonly goals?: readonly Goal[];
  readonly slopes?: Readonly<Record<string, number>>;
  /** Numbers that are neither a case nor a ratio, for example what was counted. */
  readonly figures?: Readonly<Record<string, number>>;
}

/** A number that was promised beside the one that was measured. */
export interface Goal {
  readonly name: string;
  readonly measured: number;
  readonly is: 'at least' | 'at most';
  readonly bound: number;
}

export const isMet = ({ measured, is, bound }: Goal): boolean =>
  is === 'at least' ? measured >= bound : measured <= bound;

/** Compares the medians of two cases of one run. */
export interface Ratio {
  readonly name: string;
  readonly of: string;
  readonly to: string;
}

export interface CaseResult {
  readonly case: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly runs: number;
  readonly p50?: number;
  readonly p95?: number;
  readonly p99?: number;
  /** Allocations on the heap per operation. */
  readonly allocs_per_op?: number;
  readonly heap_bytes_per_op?: number;
  /** Bytes of buffers outside the heap per operation. */
  readonly buffer_bytes_per_op?: number;
  readonly bytes?: number;
  /** CPU microseconds per operation, by process and in `total`. */
  readonly cpu_us?: Readonly<Record<string, number>>;
  /** Operations that failed in all runs, by error. */
  readonly errors?: Readonly<Record<string, number>>;
  /** Runs in which others used the machine. */
  readonly noisy_runs?: number;
}

export interface BenchResult extends Outcome {
  readonly name: string;
  readonly date: string;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly node: string };
}

/** Runs a benchmark that measures by itself. */
export async function runSelf(name: string, bench: SelfRunningBench, flags: Flags): Promise<BenchResult> {
  return { name, date: new Date().toISOString(), machine: machine(), ...(await bench.run(flags)) };
}

export const perOperation = (count: number, elapsedMs: number): number => (elapsedMs * 1e6) / count;

/** Megabytes (10⁶) a second for operations on `bytes` each. */
export const throughput =
  (bytes: number) =>
  (count: number, elapsedMs: number): number =>
    (bytes * count) / 1e6 / (elapsedMs / 1e3);

export async function runBench(name: string, bench: Bench, runs: number): Promise<BenchResult> {
  const { cases, ratios = [], dispose } = await bench.prepare();
  try {
    const results: CaseResult[] = [];
    for (const one of cases) {
      const result = await runCase(one, runs);
      results.push(result);
      process.stdout.write(`  ${formatCase(result)}\n`);
    }
    return {
      name,
      date: new Date().toISOString(),
      machine: machine(),
      cases: results,
      ratios: ratiosOf(ratios, results),
    };
  } finally {
    await dispose?.();
  }
}

async function runCase(
  { name, unit, work, measure, bytes, allocations }: BenchCase,
  runs: number,
): Promise<CaseResult> {
  const count = await calibrate(work);
  const values: number[] = [];
  for (let run = 0; run < runs; run += 1) values.push(measure(count, await elapsedMs(work, count)));
  values.sort((a, b) => a - b);
  const at = (index: number): number => rounded(values[index] ?? Number.NaN);
  return {
    case: name,
    unit,
    median: at(Math.floor(values.length / 2)),
    min: at(0),
    max: at(values.length - 1),
    runs,
    ...(bytes === undefined ? {} : { bytes }),
    ...(allocations === undefined
      ? {}
      : {
          allocs_per_op: rounded(allocations.count),
          heap_bytes_per_op: rounded(allocations.heapBytes),
          buffer_bytes_per_op: rounded(allocations.bufferBytes),
        }),
  };
}

/** Doubles the count until a window is long enough to measure, which warms the code up as well. */
async function calibrate(work: BenchCase['work']): Promise<number> {
  const warmUntil = performance.now() + WARM_UP_MS;
  for (let count = 1; ; count *= 2) {
    const elapsed = await elapsedMs(work, count);
    if (elapsed >= WINDOW_MS / 2 && performance.now() >= warmUntil) {
      return Math.max(1, Math.round((count * WINDOW_MS) / elapsed));
    }
  }
}

async function elapsedMs(work: BenchCase['work'], count: number): Promise<number> {
  const started = performance.now();
  await work(count);
  return performance.now() - started;
}

const SIGNIFICANT_DIGITS = 4;
const rounded = (value: number): number => Number(value.toPrecision(SIGNIFICANT_DIGITS));

function ratiosOf(ratios: readonly Ratio[], results: readonly CaseResult[]): Record<string, number> {
  const median = (name: string): number => results.find((result) => result.case === name)?.median ?? Number.NaN;
  return Object.fromEntries(ratios.map(({ name, of, to }) => [name, rounded(median(of) / median(to))]));
}

function machine(): BenchResult['machine'] {
  const processors = cpus();
  return { cpu: processors[0]?.model.trim() ?? 'unknown', cores: processors.length, node: process.versions.node };
}

function formatCase(result: CaseResult): string {
  const { case: name, unit, median, min, max, runs, allocs_per_op: count } = result;
  const allocations =
    count === undefined
      ? ''
      : `   ${count} allocations: ${result.heap_bytes_per_op ?? 0} B heap, ${result.buffer_bytes_per_op ?? 0} B buffers`;
  return `${name.padEnd(34)} ${String(median).padStart(10)} ${unit}   (${min} to ${max}, ${runs} runs)${allocations}`;
}
