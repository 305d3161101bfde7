import { constantArrivals, OVERLOAD_P99_S } from './arrivals.ts';
import { everyObjective } from './load.ts';
import { DAILY, type Profile } from './profile.ts';

export const chaos: Profile = {
  summary:
    'the load, while faults are switched on and off in toxiproxy by a timetable; the objectives hold over the whole run',
  seconds: 300,
  shares: DAILY,
  plan: (order) => ({
    scenarios: {
      ...constantArrivals(order.shares, order, OVERLOAD_P99_S),
      faults: {
        executor: 'per-vu-iterations',
        exec: 'faults',
        vus: 1,
        iterations: 1,
        maxDuration: `${order.seconds}s`,
      },
    },
    thresholds: { ...everyObjective(order), faults_switched: ['count>0'] },
  }),
};
