import type { Phase } from './profile.ts';
import { shown, shownCounts, type Thresholds } from './thresholds.ts';

const MINUTE_S = 60;
/** The first requests open connections and warm the code: they say nothing about what comes later. */
const WARM_UP = 0.2;

/** The first and the last minute at the base rate, or less where the run is shorter. */
export function firstAndLast(seconds: number, still: number, rate: number): readonly Phase[] {
  const warm = still * WARM_UP;
  const length = Math.min(MINUTE_S, still - warm);
  return [
    { name: 'first', from: warm, to: warm + length, rate },
    { name: 'last', from: seconds - length, to: seconds, rate },
  ];
}

export const phaseMetric = (metric: string, phase: string): string => `${metric}{phase:${phase}}`;
export const phaseLatency = (phase: string): string => `http_req_duration{phase:${phase},expected_response:true}`;

/** Latencies of both, kept for the judgement after the run. */
export const recoveryShown: Thresholds = {
  ...shown(['first', 'last'].map(phaseLatency)),
  ...shownCounts(['first', 'last'].map((phase) => phaseMetric('http_reqs', phase))),
};
