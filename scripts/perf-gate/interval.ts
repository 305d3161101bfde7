import { seededRandom } from '../../k6/flows/random.ts';

/** They give the error within 3 % of itself. */
const RESAMPLES = 500;
/** Of the pairs, at each end: one stranger's burst of work, which doubles one window, does not decide. */
const TRIMMED_SHARE = 0.1;
const TAIL_STEPS = 4_000;

/** A ratio with the bounds that hold it with the confidence asked for. */
export interface RatioEstimate {
  readonly ratio: number;
  /** Lower and upper bound when each may be wrong with probability `error`. */
  readonly interval: (error: number) => readonly [lower: number, upper: number];
}

/**
 * The ratio b/a from paired measurements: the mean of the logarithms of the ratios of the pairs, its best and worst tenth
 * left out. In logarithms twice and half weigh the same, and pairs take out whatever slowed both sides.
 *
 * The bounds are a bootstrap over pairs: its standard error times the quantile of Student's distribution. Percentiles of
 * the bootstrap would not do: a dozen pairs cannot show what happens once in a thousand, and they come out too narrow.
 */
export function pairedRatio(a: readonly number[], b: readonly number[], seed = 1): RatioEstimate {
  const logs = a.map((value, at) => Math.log((b[at] ?? Number.NaN) / value));
  if (a.length !== b.length || logs.length < 3 || !logs.every(Number.isFinite)) {
    throw new Error(`a ratio needs three or more pairs of positive numbers, not ${a.length} and ${b.length}`);
  }
  const middle = trimmedMean(logs);
  const trimmed = trimmedAtEachEnd(logs.length);
  const error = bootstrapError(logs, seed);
  const freedom = logs.length - 2 * trimmed - 1;
  return {
    ratio: Math.exp(middle),
    interval: (probability) => {
      const reach = studentQuantile(probability, freedom) * error;
      return [Math.exp(middle - reach), Math.exp(middle + reach)];
    },
  };
}

function trimmedAtEachEnd(count: number): number {
  return count < 8 ? 0 : Math.max(1, Math.floor(count * TRIMMED_SHARE));
}

function trimmedMean(values: ArrayLike<number> & Iterable<number>): number {
  const cut = trimmedAtEachEnd(values.length);
  const sorted = Float64Array.from(values).sort();
  let sum = 0;
  for (let at = cut; at < values.length - cut; at += 1) sum += sorted[at] ?? 0;
  return sum / (values.length - 2 * cut);
}

/** Standard deviation of the estimate over resamples, widened for the pair that a resample of n leaves out of n - 1. */
function bootstrapError(values: readonly number[], seed: number): number {
  const random = seededRandom(seed);
  const count = values.length;
  const resample = new Float64Array(count);
  const means = Array.from({ length: RESAMPLES }, () => {
    for (let at = 0; at < count; at += 1) resample[at] = values[Math.floor(random() * count)] ?? 0;
    return trimmedMean(resample);
  });
  const mean = means.reduce((sum, value) => sum + value, 0) / RESAMPLES;
  const variance = means.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (RESAMPLES - 1);
  return Math.sqrt((variance * count) / (count - 1));
}

/**
 * The value that Student's t exceeds with this probability. With t = sqrt(n) tan(angle) its density is cos^(n-1), so the tail
 * is summed from the far end until it holds the probability.
 */
function studentQuantile(probability: number, freedom: number): number {
  const step = Math.PI / 2 / TAIL_STEPS;
  const density = (at: number): number => Math.cos((at + 0.5) * step) ** (freedom - 1);
  let whole = 0;
  for (let at = 0; at < TAIL_STEPS; at += 1) whole += density(at);
  const wanted = probability * 2 * whole;
  let tail = 0;
  let at = TAIL_STEPS;
  while (at > 0 && tail + density(at - 1) < wanted) tail += density((at -= 1));
  const rest = at === 0 ? 0 : (wanted - tail) / density(at - 1);
  return Math.sqrt(freedom) * Math.tan((at - rest) * step);
}
