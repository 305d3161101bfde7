import { objectiveThresholds } from '../lib/objectives.ts';

/** Journeys begun a minute. Each hashes its megabytes here, which takes k6 seconds of a core: more would measure k6. */
const RATE = 15;
const USERS = 4;

/** The whole path at a steady rate for two minutes, judged by the objectives: an open model, so that slow answers slow nothing. */
export const objectives = {
  scenarios: {
    north_south: {
      executor: 'constant-arrival-rate' as const,
      exec: 'northSouthJourney',
      rate: RATE,
      timeUnit: '1m',
      duration: '2m',
      preAllocatedVUs: USERS,
      maxVUs: USERS,
      tags: { flow: 'north_south' },
    },
  },
  thresholds: {
    checks: ['rate==1'],
    dropped_iterations: ['count==0'],
    ...objectiveThresholds(),
  },
};
