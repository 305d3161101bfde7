import { shownOnly } from '../lib/objectives.ts';

/**
 * Every route once, by one user: does the whole path work? Not a load; its latencies are shown and not judged.
 * What the old smoke test promised and never did.
 */
export const smoke = {
  scenarios: {
    north_south: {
      executor: 'per-vu-iterations' as const,
      exec: 'northSouthJourney',
      vus: 1,
      iterations: 3,
      maxDuration: '30s',
      tags: { flow: 'north_south' },
    },
  },
  thresholds: {
    checks: ['rate==1'],
    'http_req_failed{flow:north_south}': ['rate==0'],
    'journeys_completed{flow:north_south}': ['count==3'],
    ...shownOnly(),
  },
};
