import { pairedRatio } from './interval.ts';
import type { Pair } from './recording.ts';
import type { Rule } from './rules.ts';

/** Chance that a run of a node against itself calls any of its comparisons slower. */
export const FALSE_ALARMS = 0.05;
/** Chance that a regression of exactly the bound is missed by one comparison for its estimate alone. */
const MISSES = 0.025;
/** A life with fewer pairs cannot acquit the working tree: one lucky window would. */
const LIFE_PAIRS_MIN = 3;

export interface Verdict {
  /** Working tree over base, in the unit of the rule: above 1 is more. */
  readonly ratio: number;
  /** Holds the ratio; each end is wrong with the probability asked for. */
  readonly interval: readonly [lower: number, upper: number];
  /** Faster is better and slower is worse, for memory too. */
  readonly verdict: 'faster' | 'slower' | 'cannot tell';
  readonly fails: boolean;
}

/**
 * Compares what pairs of windows measured. `error` is the probability of each end of the interval to be wrong: share
 * FALSE_ALARMS among the comparisons of a run (Bonferroni), so that many of them raise no more false alarms than one.
 *
 * It fails when the working tree is proven worse (1 lies outside the interval), is worse in every life of the nodes, and a change
 * by the bound of the rule cannot be ruled out at 97.5 %. Proof alone would fail a change of 3 % on a quiet machine, and two
 * processes of the same code, whose memory differs by 2 % for as long as they live; asking for proof of the whole bound
 * would let half of all regressions of exactly that size pass.
 */
export function verdict(pairs: readonly Pair[], rule: Rule, error: number = FALSE_ALARMS): Verdict {
  const ofA = pairs.map(({ a }) => rule.of(a));
  const ofB = pairs.map(({ b }) => rule.of(b));
  const estimate = pairedRatio(ofA, ofB);
  const [lower, upper] = estimate.interval(error);
  const [plainLower, plainUpper] = estimate.interval(MISSES);
  const isHigher = rule.worse === 'higher';
  const slower = isHigher ? lower > 1 : upper < 1;
  const faster = isHigher ? upper < 1 : lower > 1;
  const reachesBound = isHigher ? plainUpper >= 1 + rule.bound : plainLower <= 1 - rule.bound;
  return {
    ratio: estimate.ratio,
    interval: [lower, upper],
    verdict: slower ? 'slower' : faster ? 'faster' : 'cannot tell',
    fails: slower && reachesBound && isWorseInEachLife(pairs, rule),
  };
}

function isWorseInEachLife(pairs: readonly Pair[], { of, worse }: Rule): boolean {
  const lives = [...Map.groupBy(pairs, ({ life }) => life).values()].filter(({ length }) => length >= LIFE_PAIRS_MIN);
  const sumOfLogs = (some: readonly Pair[]): number => some.reduce((sum, { a, b }) => sum + Math.log(of(b) / of(a)), 0);
  return lives.every((some) => (worse === 'higher' ? sumOfLogs(some) > 0 : sumOfLogs(some) < 0));
}
