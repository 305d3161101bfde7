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

/** How often everything that is compared is started, and how often each arm has its turn until it is started again. */
export interface Course {
  readonly lives: number;
  readonly rounds: number;
}

/** The windows of each arm, life by life of the processes they asked. */
export type Lives = ReadonlyMap<string, readonly (readonly WindowSample[])[]>;

/**
 * Runs every arm once a round, in another order each time: what slows a while down does not slow one arm. `start` is called for
 * each life and leaves what it starts to the stack: two like processes may differ by a fifth for as long as they live.
 */
export async function runLives(
  { lives, rounds }: Course,
  start: (stack: AsyncDisposableStack) => Promise<readonly Arm[]>,
): Promise<Lives> {
  const random = seededRandom(1);
  const found = new Map<string, WindowSample[][]>();
  for (let life = 1; life <= lives; life += 1) {
    await using stack = new AsyncDisposableStack();
    const arms = await start(stack);
    for (const { name } of arms) found.set(name, [...(found.get(name) ?? []), []]);
    for (let round = 0; round < rounds; round += 1) {
      const order = arms.map((arm) => ({ arm, at: random() })).sort((a, b) => a.at - b.at);
      for (const { arm } of order)
        found
          .get(arm.name)
          ?.at(-1)
          ?.push(await arm.run());
    }
    say(`life ${life} of ${lives}, ${rounds} rounds in each`);
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

/** Pairs are lives: windows of the same two processes say the same thing again. */
export function difference(lives: Lives, of: string, to: string, cost: Cost = 'micros'): Difference {
  const costs = (name: string): number[] =>
    (lives.get(name) ?? []).map((windows) => geometricMean(windows.map((sample) => sample[cost])));
  const { ratio, interval } = pairedRatio(costs(to), costs(of));
  const [low, high] = interval(ERROR);
  const percent = (value: number): number => Number(((value - 1) * PERCENT).toFixed(2));
  return { percent: percent(ratio), low: percent(low), high: percent(high) };
}

const geometricMean = (values: readonly number[]): number =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);

export const shown = ({ percent, low, high }: Difference): string =>
  `${percent > 0 ? '+' : ''}${percent} % (${low} to ${high})`;

/** A difference as a case in percent: its interval stands where others have the extremes of runs. */
export const differenceCase = (name: string, { percent, low, high }: Difference, runs: number): CaseResult => ({
  ...{ case: name, unit: '%', median: percent, min: low, max: high, runs },
});

/** What a request cost in an arm. */
export function armCase(name: string, lives: readonly (readonly WindowSample[])[]): CaseResult {
  const samples = lives.flat();
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
