import { seededRandom } from '../../../../k6/flows/random.ts';
import type { CaseResult } from '../../../bench-harness.ts';
import { pairedRatio } from '../../../perf-gate/interval.ts';
import { quantile, rounded, say, spread } from '../../registry/part.ts';
import type { WindowSample } from './window.ts';

/** Each bound of an interval is wrong once in forty. */
const ERROR = 0.025;
const PERCENT = 100;

/** One window of each round. */
export interface Arm {
  readonly name: string;
  readonly run: () => Promise<WindowSample>;
}

export type Rounds = ReadonlyMap<string, readonly WindowSample[]>;

/** Runs every arm once a round, in another order each time: what slows a while down does not slow one arm. */
export async function runRounds(arms: readonly Arm[], rounds: number): Promise<Rounds> {
  const random = seededRandom(1);
  const found = new Map<string, WindowSample[]>(arms.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    const order = arms.map((arm) => ({ arm, at: random() })).sort((a, b) => a.at - b.at);
    for (const { arm } of order) found.get(arm.name)?.push(await arm.run());
    if ((round + 1) % 5 === 0 || round + 1 === rounds) say(`round ${round + 1} of ${rounds}`);
  }
  return found;
}

/** How much more one arm costs than another, in percent of the other, with a confidence interval of 95 %. */
export interface Difference {
  readonly percent: number;
  readonly low: number;
  readonly high: number;
}

type Cost = 'micros' | 'requestThreadMicros';

export function difference(rounds: Rounds, of: string, to: string, cost: Cost = 'micros'): Difference {
  const costs = (name: string): number[] => (rounds.get(name) ?? []).map((sample) => sample[cost]);
  const { ratio, interval } = pairedRatio(costs(to), costs(of));
  const [low, high] = interval(ERROR);
  const percent = (value: number): number => Number(((value - 1) * PERCENT).toFixed(2));
  return { percent: percent(ratio), low: percent(low), high: percent(high) };
}

export const shown = ({ percent, low, high }: Difference): string =>
  `${percent > 0 ? '+' : ''}${percent} % (${low} to ${high})`;

/** A difference as a case in percent: its interval stands where others have the extremes of runs. */
export const differenceCase = (name: string, { percent, low, high }: Difference, runs: number): CaseResult => ({
  ...{ case: name, unit: '%', median: percent, min: low, max: high, runs },
});

/** What a request cost in an arm. */
export function armCase(name: string, samples: readonly WindowSample[]): CaseResult {
  const thread = samples.map(({ requestThreadMicros }) => requestThreadMicros);
  return {
    ...spread(
      name,
      'µs CPU/request',
      samples.map(({ micros }) => micros),
    ),
    cpu_us: { gateway: rounded(quantile(thread, 0.5)) },
    noisy_runs: samples.filter(({ isNoisy }) => isNoisy).length,
  };
}
