import type { CaseResult, Goal } from '../../bench-harness.ts';

/** What a part of the benchmark found. */
export interface Found {
  readonly cases?: readonly CaseResult[];
  readonly ratios?: Readonly<Record<string, number>>;
  readonly slopes?: Readonly<Record<string, number>>;
  readonly figures?: Readonly<Record<string, number>>;
  readonly goals?: readonly Goal[];
  /** Anything but 0 is a defect. */
  readonly auditFailures?: number;
}

/** One question of the benchmark; `quick` asks it with fewer cells and shorter windows. */
export interface Part {
  readonly name: string;
  readonly run: (quick: boolean) => Promise<Found>;
}

const SIGNIFICANT_DIGITS = 4;
export const rounded = (value: number): number => Number(value.toPrecision(SIGNIFICANT_DIGITS));

/** The value below which `share` of the sorted numbers lie; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** A case from all of its measurements: median and spread. */
export function spread(name: string, unit: string, values: readonly number[]): CaseResult {
  return {
    ...{ case: name, unit, runs: values.length },
    median: rounded(quantile(values, 0.5)),
    min: rounded(quantile(values, 0)),
    max: rounded(quantile(values, 1)),
  };
}

/** One number, and what it is made of. */
export function single(name: string, unit: string, value: number, runs = 1): CaseResult {
  return { case: name, unit, runs, median: rounded(value), min: rounded(value), max: rounded(value) };
}

/** Percentiles of milliseconds as the three fields of a case, which are in microseconds. */
export const percentilesOf = (ms: readonly number[]): Pick<CaseResult, 'p50' | 'p95' | 'p99'> => ({
  p50: rounded(quantile(ms, 0.5) * 1_000),
  p95: rounded(quantile(ms, 0.95) * 1_000),
  p99: rounded(quantile(ms, 0.99) * 1_000),
});

export const say = (line: string): void => void process.stdout.write(`  ${line}\n`);
