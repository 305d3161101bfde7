import { OVERLOAD_P99_S, rampingArrivals } from './arrivals.ts';
import { DAILY, type Profile } from './profile.ts';
import { firstAndLast, recoveryShown } from './phases.ts';
import { CORRECTNESS } from './thresholds.ts';

const TIMES = 10;
const RISE_S = 5;
/** Of the run, before and after the spike. */
const STILL = 0.4;

export const spike: Profile = {
  summary: 'ten times the expected rate within five seconds, and back; refusals are 429 and 503 only',
  seconds: 180,
  shares: DAILY,
  after: 'recovery',
  plan: ({ shares, rate, seconds }) => {
    const top = seconds * (1 - 2 * STILL) - 2 * RISE_S;
    if (top <= 0)
      throw new Error(`a spike takes more than ${(2 * RISE_S) / (1 - 2 * STILL)} s: give it a longer --duration`);
    const stretches = [
      { rate, seconds: seconds * STILL },
      { rate: TIMES * rate, seconds: RISE_S },
      { rate: TIMES * rate, seconds: top },
      { rate, seconds: RISE_S },
      { rate, seconds: seconds * STILL },
    ];
    return {
      scenarios: rampingArrivals(shares, rate, stretches, OVERLOAD_P99_S),
      thresholds: { ...CORRECTNESS, broken: ['count==0'], ...recoveryShown },
      phases: firstAndLast(seconds, seconds * STILL, rate),
    };
  },
};
