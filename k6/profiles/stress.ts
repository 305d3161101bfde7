import { OVERLOAD_P99_S, rampingArrivals } from './arrivals.ts';
import { DAILY, flowsOf, type Profile } from './profile.ts';
import { firstAndLast, recoveryShown } from './phases.ts';
import { availabilityThresholds, CORRECTNESS, noneDropped } from './thresholds.ts';

/** Each of the stretches at one rate; the two ramps take what is left. */
const STILL = 0.25;
const RAMP = (1 - 3 * STILL) / 2;

export const stress: Profile = {
  summary: 'the expected rate, twice of it, and back; afterwards as fast as before',
  seconds: 480,
  shares: DAILY,
  after: 'recovery',
  plan: ({ shares, rate, seconds }) => ({
    scenarios: rampingArrivals(
      shares,
      rate,
      [
        { rate, seconds: seconds * STILL },
        { rate: 2 * rate, seconds: seconds * RAMP },
        { rate: 2 * rate, seconds: seconds * STILL },
        { rate, seconds: seconds * RAMP },
        { rate, seconds: seconds * STILL },
      ],
      OVERLOAD_P99_S,
    ),
    thresholds: {
      ...CORRECTNESS,
      ...availabilityThresholds(flowsOf(shares)),
      ...noneDropped(flowsOf(shares)),
      ...recoveryShown,
    },
    phases: firstAndLast(seconds, seconds * STILL, rate),
  }),
};
