import { constantArrivals } from './arrivals.ts';
import { everyObjective } from './load.ts';
import type { Profile } from './profile.ts';

const HOURS_S = 3_600;
const PART_OF_RATE = 0.7;

export const soak: Profile = {
  summary: 'below the expected rate for a day: memory, descriptors, event loop and streams must stay flat',
  seconds: 24 * HOURS_S,
  shares: { echo: 0.3, mixed: 0.5, mailbox: 0.13, registry: 0.05, governance: 0.02 },
  plan: (order) => ({
    scenarios: constantArrivals(order.shares, { ...order, rate: PART_OF_RATE * order.rate }),
    thresholds: everyObjective(order),
  }),
};
