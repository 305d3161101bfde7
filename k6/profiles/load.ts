import { constantArrivals } from './arrivals.ts';
import { DAILY, flowsOf, type Order, type Profile } from './profile.ts';
import {
  admissionThresholds,
  availabilityThresholds,
  CORRECTNESS,
  latencyThresholds,
  noneDropped,
  type Thresholds,
} from './thresholds.ts';

/** Everything the objectives promise at rated load. */
export const everyObjective = ({ shares, region }: Order): Thresholds => ({
  ...CORRECTNESS,
  ...latencyThresholds(region),
  ...availabilityThresholds(flowsOf(shares)),
  ...admissionThresholds(flowsOf(shares)),
  ...noneDropped(flowsOf(shares)),
});

export const load: Profile = {
  summary: 'the expected rate for five minutes, held to every objective',
  seconds: 300,
  shares: DAILY,
  plan: (order) => ({ scenarios: constantArrivals(order.shares, order), thresholds: everyObjective(order) }),
};
