import { ROUTES, SLOS } from '@macronode/contracts';
import type { Goal } from '../../bench-harness.ts';
import { latenciesOf, type LoadReport } from '../../load/load-tally.ts';

const MICROS_PER_MS = 1_000;
const LATENCIES = ['object_get_latency', 'object_put_latency'] as const;
/** Of the turns that were due: the client could not begin more of them, so that the rate was not the one it says. */
const NEVER_BEGUN_MAX = 0.01;

/** Answers of these statuses; 0 is no answer. */
export function countOf({ answers }: LoadReport, isOne: (status: number) => boolean): number {
  return Object.entries(answers).reduce(
    (sum, [answer, count]) => (isOne(Number(answer.slice(answer.lastIndexOf(' ')))) ? sum + count : sum),
    0,
  );
}

const isRefusal = (status: number): boolean => status === 429 || status === 503;
const isFailure = (status: number): boolean => status === 0 || (status >= 500 && !isRefusal(status));
const allowed = (slo: 'availability' | 'admission' | 'bus_delivery'): number =>
  Number((1 - SLOS[slo].objective).toFixed(6));
const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);

/** The objectives of the node as goals of one load: latency of its reads and uploads where it has any, and what may fail. */
export function objectivesOf(
  report: LoadReport,
  bus: { readonly published: number; readonly overflowed: number },
): Goal[] {
  const atMost = (name: string, measured: number, bound: number): Goal => ({ name, measured, is: 'at most', bound });
  const { requests, turns, droppedTurns, failedChecks } = report;
  return [
    ...LATENCIES.flatMap((name) => {
      const { routes, objective, boundSeconds } = SLOS[name];
      const latencies = latenciesOf(report, (route) =>
        routes.some((one) => route === `${ROUTES[one].method} ${ROUTES[one].template}`),
      );
      if (latencies.total === 0) return [];
      const measured = latencies.quantile(objective) / MICROS_PER_MS;
      return [atMost(`${name} p${objective * 100} ms`, measured, boundSeconds * MICROS_PER_MS)];
    }),
    atMost('failures', share(countOf(report, isFailure), requests), allowed('availability')),
    atMost('refusals', share(countOf(report, isRefusal), requests), allowed('admission')),
    atMost('bus overflow', share(bus.overflowed, bus.published), allowed('bus_delivery')),
    atMost(
      'wrong answers',
      Object.values(failedChecks).reduce((sum, count) => sum + count, 0),
      0,
    ),
    atMost('turns never begun', share(droppedTurns, turns + droppedTurns), NEVER_BEGUN_MAX),
  ];
}
