import { JOURNEY_NAMES } from '../flows/journeys.ts';
import { flowsOf, type Profile } from './profile.ts';
import { CORRECTNESS } from './thresholds.ts';

/** Does the whole path work? Not a load: its latencies are shown and not judged. */
export const smoke: Profile = {
  summary: 'every flow once, by one user each; every check must hold',
  seconds: 120,
  shares: Object.fromEntries(JOURNEY_NAMES.map((flow) => [flow, 1])),
  plan: ({ shares, seconds }) => ({
    scenarios: Object.fromEntries(
      flowsOf(shares).map((flow) => [
        flow,
        {
          executor: 'per-vu-iterations' as const,
          exec: 'turn',
          vus: 1,
          iterations: 1,
          maxDuration: `${seconds}s`,
          tags: { flow },
        },
      ]),
    ),
    thresholds: {
      ...CORRECTNESS,
      http_req_failed: ['rate==0'],
      ...Object.fromEntries(flowsOf(shares).map((flow) => [`turns_completed{flow:${flow}}`, ['count==1']])),
    },
  }),
};
