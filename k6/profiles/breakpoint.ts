import { SLOS } from '../../packages/contracts/src/slo.ts';
import { RATED_P99_S, rampingArrivals } from './arrivals.ts';
import { flowsOf, type Phase, type Profile } from './profile.ts';
import { phaseLatency, phaseMetric } from './phases.ts';
import { CORRECTNESS, shownCounts, shownRates, type Thresholds } from './thresholds.ts';

const STEPS = 16;
const GROWTH = 1.3;
/** Of the run, at the rate of the first step: a node that has just started is slow, and that is no knee. */
const WARM_UP = 0.1;
/** Of a step, before its numbers may end the run: the first seconds of a higher rate are their own. */
const SETTLING = 0.5;

/** p95 beyond which the node is past its knee, in ms: the objective of a PUT where nothing else is asked, else that of a GET. */
export const kneeBoundMs = (flows: readonly string[]): number =>
  1_000 * (flows.every((flow) => flow === 'puts') ? SLOS.object_put_latency : SLOS.object_get_latency).boundSeconds;

/** Steps of one length after the warm-up, each a third faster than the one before. */
function stepsOf(rate: number, seconds: number): readonly Phase[] {
  const warm = seconds * WARM_UP;
  const each = (seconds - warm) / STEPS;
  return Array.from({ length: STEPS }, (_, at) => ({
    name: `step-${String(at + 1).padStart(2, '0')}`,
    from: warm + each * at,
    to: warm + each * (at + 1),
    rate: rate * GROWTH ** at,
  }));
}

/** Half of a step slower than the objective is past the knee; a p95 alone may be one stall of the machine, and goes on. */
function endsTheRun(steps: readonly Phase[], boundMs: number): Thresholds {
  const abort = (threshold: string, { from, to }: Phase) => ({
    threshold,
    abortOnFail: true,
    delayAbortEval: `${Math.round(from + (to - from) * SETTLING)}s`,
  });
  return Object.fromEntries(
    steps.flatMap((step): [string, Thresholds[string]][] => [
      [phaseLatency(step.name), [abort(`p(50)<=${boundMs}`, step)]],
      [
        phaseMetric('unavailable', step.name),
        [abort(`rate<=${Number((1 - SLOS.availability.objective).toFixed(6))}`, step)],
      ],
      [phaseMetric('refused', step.name), [abort(`rate<=${Number((1 - SLOS.admission.objective).toFixed(6))}`, step)]],
    ]),
  );
}

export const breakpoint: Profile = {
  summary: 'steps of a third more until the objectives break; says where the knee is and never fails',
  seconds: 480,
  shares: { mixed: 1 },
  after: 'knee',
  plan: ({ shares, rate, seconds }) => {
    const steps = stepsOf(rate, seconds);
    const stretches = [
      { rate, seconds: seconds * WARM_UP },
      ...steps.flatMap((step) => [
        { rate: step.rate, seconds: 0 },
        { rate: step.rate, seconds: step.to - step.from },
      ]),
    ];
    return {
      scenarios: rampingArrivals(shares, rate, stretches, RATED_P99_S),
      thresholds: {
        ...CORRECTNESS,
        ...endsTheRun(steps, kneeBoundMs(flowsOf(shares))),
        ...shownCounts(steps.map(({ name }) => phaseMetric('http_reqs', name))),
        ...shownRates(flowsOf(shares).map((flow) => `unavailable{flow:${flow}}`)),
      },
      phases: steps,
    };
  },
};
