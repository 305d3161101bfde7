import { describe, expect, it } from 'vitest';
import { BOARDS } from '../../grafana/boards/index.ts';
import { METRICS } from '../../grafana/declared.ts';
import type { PanelSpec } from '../../grafana/panel.ts';
import type { QueryAnswer, QuerySeries } from '../prometheus.ts';
import { askPanel } from './live.ts';

const BOARD = { uid: 'macronode-test' };
const RANGE = { start: 0, end: 60 };
const PANEL: PanelSpec = {
  kind: 'timeseries',
  title: 'Answers',
  what: '',
  good: '',
  bad: '',
  runbook: '',
  unit: 'reqps',
  targets: [
    { expr: 'first{service=~"$service"}', legend: 'first' },
    { expr: 'second{service=~"$service"}', legend: 'second' },
  ],
  width: 8,
  height: 8,
  evidence: { sane: [0, 10] },
};
const SERVICES = new Map([['service', ['gateway', 'storage', 'somebody']]]);

const series = (value: string, name = 'a'): QuerySeries => ({ metric: { name }, values: [[30, value]] });

/** A Prometheus that answers a query as it is told to. */
const answering = (
  answer: (query: string) => readonly QuerySeries[],
): { queryRange(query: string): Promise<QueryAnswer> } => ({
  queryRange: async (query) => ({ series: answer(query), warnings: [], seconds: 0.01 }),
});

const problemsWith = async (answer: (query: string) => readonly QuerySeries[]): Promise<readonly string[]> =>
  (await askPanel(answering(answer), BOARD, PANEL, SERVICES, RANGE)).problems;

describe('askPanel', () => {
  it('has nothing to say of a sound panel', async () => {
    expect(await problemsWith(() => [series('1')])).toEqual([]);
  });

  it.each([
    [
      'a query of several that is empty',
      (query: string) => (query.startsWith('second') ? [] : [series('1')]),
      'second: no series',
    ],
    ['a value that is no number', () => [series('NaN')], 'first: not every value is a finite number'],
    ['a value outside of what can be', () => [series('11')], 'first: 11 is outside of 0 to 10'],
    [
      'more series than people read',
      () => Array.from({ length: 21 }, (_, i) => series('1', String(i))),
      'first: 21 series at once',
    ],
    [
      'a service of ours without data',
      (query: string) => (query.includes('"storage"') ? [] : [series('1')]),
      'no series for service storage',
    ],
  ])('finds %s', async (_what, answer, problem) => {
    expect(await problemsWith(answer)).toContain(problem);
  });

  it('expects nothing of services that are not ours', async () => {
    expect(await problemsWith((query) => (query.includes('"somebody"') ? [] : [series('1')]))).toEqual([]);
  });

  it('finds every panel of a metric that was renamed', async () => {
    const { name } = METRICS.bus.requests;
    const renamed = answering((query) => (query.includes(name) ? [] : [series('1')]));
    const panels = BOARDS.flatMap(({ rows }) => rows.flatMap((row) => row.panels));
    const asking = panels.filter(({ targets }) => targets.some(({ expr }) => expr.includes(name)));
    expect(asking.length).toBeGreaterThan(1);
    for (const panel of asking) {
      const { problems } = await askPanel(renamed, BOARD, panel, new Map(), RANGE);
      expect(problems.join(), panel.title).toContain('no series');
    }
  });
});
