import { switchesOf, type Switch } from '../lib/timetable.ts';
import { constantArrivals, OVERLOAD_P99_S } from './arrivals.ts';
import { DAILY, type Order, type Phase, type Profile } from './profile.ts';
import { CORRECTNESS, phaseThresholds } from './thresholds.ts';

/** After a fault is over the node may fall short for so long. */
const RECOVERY_S = 5;
/** The name of every stretch without a fault. */
export const CALM = 'calm';

export const chaos: Profile = {
  summary:
    'the load, while toxiproxy has faults by a timetable; no wrong answer meanwhile, every objective again 5 s after each',
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
    thresholds: { ...CORRECTNESS, ...phaseThresholds(CALM, order.region), faults_switched: ['count>0'] },
    phases: calmPhases(order, switchesOf(order.timetable, order.seconds)),
  }),
};

function calmPhases({ rate, seconds }: Order, switches: readonly Switch[]): readonly Phase[] {
  const phases: Phase[] = [];
  let from = 0;
  for (const { atS, on, hour } of switches) {
    if (!on) continue;
    if (atS > from) phases.push({ name: CALM, from, to: atS, rate });
    from = Math.max(from, atS + hour.for_s + RECOVERY_S);
  }
  if (seconds > from) phases.push({ name: CALM, from, to: seconds, rate });
  return phases;
}
