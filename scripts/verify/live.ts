// Every query of every panel and variable, asked of a live Prometheus as Grafana would ask it.
import { SERVICES } from '@macronode/contracts';
import type { Board, PanelSpec } from '../../grafana/panel.ts';
import { BOUNDS } from '../../grafana/bounds.ts';
import type { OwnPrometheus, QuerySeries } from '../prometheus.ts';

/** More than this many series on one panel nobody reads. */
const SERIES_MAX = 20;
/** Points of a query, about what a panel draws. */
const POINTS = 300;
/** Times the bound: slower than this is a defect of the query, not of a busy machine. */
const SLOW_FACTOR = 10;
const ALL = '.+';
const OUR_JOB = 'macronode';

export interface PanelAnswer {
  readonly board: string;
  readonly panel: string;
  readonly series: number;
  readonly slowestSeconds: number;
  readonly problems: readonly string[];
  /** Of the first query, with every variable at All. */
  readonly drawn: readonly (readonly QuerySeries[])[];
}

export interface LiveRange {
  readonly start: number;
  readonly end: number;
}

/** A query with its variables filled in. */
export function filled(expr: string, values: Readonly<Record<string, string>>, rateSeconds: number): string {
  return Object.entries(values)
    .reduce((text, [name, value]) => text.replaceAll(`$${name}`, value), expr)
    .replaceAll('$__rate_interval', `${rateSeconds}s`)
    .replaceAll('$__range', '300s');
}

const finite = (series: readonly QuerySeries[]): readonly number[] =>
  series.flatMap(({ values = [] }) => values.map(([, text]) => Number(text)));

/** `label_values(series{…}, label)` as the API answers it. */
export async function variableValues(
  prometheus: OwnPrometheus,
  board: Board,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const values = new Map<string, readonly string[]>();
  const all = Object.fromEntries(board.variables.map(({ name }) => [name, ALL]));
  for (const { name, query } of board.variables) {
    const parsed = /^label_values\((.*), *(\w+)\)$/.exec(query);
    const [, selector = '', label = ''] = parsed ?? [];
    values.set(name, await prometheus.labelValues(label, filled(selector, all, 10)));
  }
  return values;
}

/** What is wrong with the answer to one query. */
function problemsOf(series: readonly QuerySeries[], panel: PanelSpec): readonly string[] {
  if (series.length === 0) return ['no series'];
  const problems: string[] = [];
  const [least, most] = panel.evidence.sane;
  const values = finite(series);
  if (!values.every(Number.isFinite)) problems.push('not every value is a finite number');
  const outside = values.find((value) => value < least || value > most);
  if (outside !== undefined) problems.push(`${outside} is outside of ${least} to ${most}`);
  const perMoment = new Map<number, number>();
  for (const { values: points = [] } of series)
    for (const [at] of points) perMoment.set(at, (perMoment.get(at) ?? 0) + 1);
  const widest = Math.max(0, ...perMoment.values());
  if (panel.kind !== 'heatmap' && widest > SERIES_MAX) problems.push(`${widest} series at once`);
  return problems;
}

/** Whether a panel owes something for this value: what is not ours, or not of these services, may have nothing. */
function isOwed(panel: PanelSpec, variable: string, value: string): boolean {
  const { services, needs } = panel.evidence;
  // Of a fault that not every service suffers.
  if (needs !== undefined) return false;
  if (variable === 'service') return ((services ?? SERVICES) as readonly string[]).includes(value);
  return variable === 'job' && value === OUR_JOB;
}

/** Asks every query of a panel with every variable at All, and then with each value of each variable. */
export async function askPanel(
  prometheus: Pick<OwnPrometheus, 'queryRange'>,
  board: Pick<Board, 'uid'>,
  panel: PanelSpec,
  variables: ReadonlyMap<string, readonly string[]>,
  { start, end }: LiveRange,
): Promise<PanelAnswer> {
  const problems: string[] = [];
  const step = Math.max(1, Math.ceil((end - start) / POINTS));
  const rateSeconds = Math.max(4, step + 1);
  const all = Object.fromEntries([...variables.keys()].map((name) => [name, ALL]));
  let slowestSeconds = 0;
  const ask = async (expr: string, values: Readonly<Record<string, string>>): Promise<readonly QuerySeries[]> => {
    const answer = await prometheus.queryRange(filled(expr, values, rateSeconds), { start, end, step });
    slowestSeconds = Math.max(slowestSeconds, answer.seconds);
    problems.push(...answer.warnings);
    return answer.series;
  };
  const drawn: (readonly QuerySeries[])[] = [];
  for (const { expr, legend } of panel.targets) {
    const series = await ask(expr, all);
    drawn.push(series);
    problems.push(...problemsOf(series, panel).map((problem) => `${legend}: ${problem}`));
  }
  for (const [name, values] of variables) {
    for (const value of values) {
      let seen = 0;
      for (const { expr } of panel.targets) seen += (await ask(expr, { ...all, [name]: value })).length;
      if (seen === 0 && isOwed(panel, name, value)) problems.push(`no series for ${name} ${value}`);
    }
  }
  if (slowestSeconds > SLOW_FACTOR * BOUNDS.dashboard_query.value) {
    problems.push(`a query took ${slowestSeconds.toFixed(2)} s`);
  }
  return {
    board: board.uid,
    panel: panel.title,
    series: drawn.reduce((sum, series) => sum + series.length, 0),
    slowestSeconds,
    problems,
    drawn,
  };
}
