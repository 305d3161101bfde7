import { seededRandom } from '../../k6/flows/random.ts';

/** A ratio and the interval it lies in with the confidence asked for. */
export interface Estimate {
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
}

/** Resamples. Enough that the outermost percent of a percent is still made of several. */
const RESAMPLES = 20_000;
/** Share of the pairs left out at either end: one window in five may have been disturbed. */
const TRIMMED = 0.2;

/**
 * How many times `after` is `before`, from pairs measured one after the other: the trimmed mean of the logarithms of their
 * ratios, and its percentile bootstrap interval (Efron). Pairs are drawn whole, so what slows a round down slows both of its
 * sides and cancels. The same pairs and seed give the same interval.
 */
export function estimateRatio(
  pairs: readonly (readonly [before: number, after: number])[],
  confidence: number,
  seed = 1,
): Estimate {
  if (pairs.length === 0) throw new Error('an estimate needs pairs');
  const logs = pairs.map(([before, after]) => Math.log(after / before));
  if (!logs.every(Number.isFinite)) throw new Error('a ratio needs numbers above zero');
  const random = seededRandom(seed);
  const means = Float64Array.from({ length: RESAMPLES }, () =>
    trimmedMean(logs.map(() => logs[Math.floor(random() * logs.length)] ?? 0)),
  ).sort();
  const tail = (1 - confidence) / 2;
  const at = (share: number): number => means[Math.min(RESAMPLES - 1, Math.floor(share * RESAMPLES))] ?? 0;
  return { ratio: Math.exp(trimmedMean(logs)), low: Math.exp(at(tail)), high: Math.exp(at(1 - tail)) };
}

function trimmedMean(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const cut = Math.floor(TRIMMED * sorted.length);
  const kept = sorted.slice(cut, sorted.length - cut);
  return kept.reduce((sum, value) => sum + value, 0) / kept.length;
}
