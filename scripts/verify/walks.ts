// The runbook walked while its fault is there: a step that does not lead to its diagnosis is a finding.
import type { FaultName } from '../../grafana/faults.ts';
import { isDiagnosis, queryOf, type Walk, WALKS } from '../../grafana/runbook/walks.ts';
import { poll } from '../poll.ts';
import type { OwnPrometheus } from '../prometheus.ts';

/** What a person would wait for a graph to show it. */
const LOOK_MS = 15_000;

export interface WalkResult {
  readonly fault: FaultName;
  readonly heading: string;
  readonly query: string;
  readonly answer: string;
  readonly problem: string | undefined;
}

async function walk(prometheus: OwnPrometheus, one: Walk): Promise<WalkResult> {
  const query = queryOf(one);
  let answer = 'nothing';
  const seen = async (): Promise<boolean> => {
    const { series } = await prometheus.query(query);
    const found = series.find(({ metric, value }) => isDiagnosis(one.shows, metric, Number(value?.[1])));
    const shown = found ?? series[0];
    if (shown !== undefined) {
      const labels = Object.entries(shown.metric).filter(([label]) => label !== '__name__');
      answer = `${labels.map(([label, value]) => `${label}=${value}`).join(' ')} ${shown.value?.[1] ?? ''}`.trim();
    }
    return found !== undefined;
  };
  const reached = await poll(query, LOOK_MS, seen, 1_000).then(
    () => true,
    () => false,
  );
  const problem = reached ? undefined : 'leads nowhere';
  return { fault: one.fault, heading: one.entry, query, answer, problem };
}

/** Walks every way that begins at this fault; it has to be there meanwhile. */
export const walksOf = (prometheus: OwnPrometheus, fault: FaultName): Promise<readonly WalkResult[]> =>
  Promise.all(WALKS.filter((one) => one.fault === fault).map((one) => walk(prometheus, one)));
