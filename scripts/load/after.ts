// Judgements that compare two numbers of a run, which thresholds of k6 cannot.
import type { RunReport } from '../../k6/lib/summary.ts';
import { phaseLatency, phaseMetric } from '../../k6/profiles/phases.ts';
import type { Phase } from '../../k6/profiles/profile.ts';

/** p95 of the last minute at the base rate, of that of the first. */
const RECOVERY_TIMES = 1.2;
/** Differences of a few milliseconds are the machine's, not the node's. */
const RECOVERY_SLACK_MS = 5;

export interface Recovery {
  readonly firstP95Ms: number;
  readonly lastP95Ms: number;
  readonly boundMs: number;
  readonly ok: boolean;
}

const p95Of = ({ metrics }: RunReport, phase: string): number =>
  metrics[phaseLatency(phase)]?.values['p(95)'] ?? Number.NaN;
const countOf = ({ metrics }: RunReport, phase: string): number =>
  metrics[phaseMetric('http_reqs', phase)]?.values['count'] ?? 0;
const rateOf = ({ metrics }: RunReport, metric: string, phase: string): number =>
  metrics[phaseMetric(metric, phase)]?.values['rate'] ?? 0;

/** Whether a node is as fast after a peak as it was before. A phase without requests fails: nothing was recovered. */
export function judgeRecovery(report: RunReport): Recovery {
  const [firstP95Ms, lastP95Ms] = [p95Of(report, 'first'), p95Of(report, 'last')];
  const boundMs = Math.max(firstP95Ms * RECOVERY_TIMES, firstP95Ms + RECOVERY_SLACK_MS);
  const wereAsked = countOf(report, 'first') > 0 && countOf(report, 'last') > 0;
  return { firstP95Ms, lastP95Ms, boundMs, ok: wereAsked && lastP95Ms <= boundMs };
}

export interface Step {
  /** Requests a second. */
  readonly offered: number;
  readonly done: number;
  readonly p95Ms: number;
  readonly refused: number;
  readonly unavailable: number;
  /** What ended it: nothing, the node, or k6 that offered less than it should. */
  readonly broke: 'latency' | 'refusals' | 'failures' | 'offered less' | undefined;
}

export interface Knee {
  readonly steps: readonly Step[];
  /** The last step that held, whatever broke before it: a stall of the machine is no knee. Undefined where none did. */
  readonly last: Step | undefined;
  readonly broke: Step | undefined;
}

export interface KneeBounds {
  readonly p95Ms: number;
  /** Shares of requests. */
  readonly refused: number;
  readonly unavailable: number;
}

/** Below this part of what is offered the load did not keep up. */
const KEPT_UP = 0.95;

/** Where the steps of a breakpoint run broke. `seconds` is when the load ended: a step it ended in counts for as long as it lasted. */
export function findKnee(report: RunReport, phases: readonly Phase[], seconds: number, bounds: KneeBounds): Knee {
  const steps = phases
    .filter(({ name }) => countOf(report, name) > 0)
    .map((phase): Step => {
      const lasted = Math.min(phase.to, seconds) - phase.from;
      const step = {
        offered: phase.rate,
        done: countOf(report, phase.name) / lasted,
        p95Ms: p95Of(report, phase.name),
        refused: rateOf(report, 'refused', phase.name),
        unavailable: rateOf(report, 'unavailable', phase.name),
      };
      return { ...step, broke: reasonOf(step, bounds) };
    });
  const at = steps.findLastIndex(({ broke }) => broke === undefined);
  return { steps, last: steps[at], broke: steps[at + 1] };
}

function reasonOf(
  { offered, done, p95Ms, refused, unavailable }: Omit<Step, 'broke'>,
  bounds: KneeBounds,
): Step['broke'] {
  if (unavailable > bounds.unavailable) return 'failures';
  if (refused > bounds.refused) return 'refusals';
  if (p95Ms > bounds.p95Ms) return 'latency';
  return done < offered * KEPT_UP ? 'offered less' : undefined;
}
