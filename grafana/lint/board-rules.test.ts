import { describe, expect, it } from 'vitest';
import type { Board } from '../panel.ts';
import type { DashboardJson } from '../panels/json.ts';
import { BOARD_RULES, findingsOf, subjectOf } from './index.ts';
import type { Subject } from './rule.ts';
import { SOUND_BOARD, withPanel, withQuery } from './sound-board-fixture.ts';

const declared = (board: Board): Subject => subjectOf(board);

/** The sound board with its file changed by hand. */
const edited = (change: (json: DashboardJson) => object): Subject => {
  const subject = subjectOf(SOUND_BOARD);
  return { ...subject, json: { ...subject.json, ...change(subject.json) } };
};

const [promises, calls, streams] = SOUND_BOARD.rows;
if (promises === undefined || calls === undefined || streams === undefined)
  throw new Error('the fixture has three rows');

const S = 'job=~"$job",service=~"$service",instance=~"$instance"';

/** What is seeded, and what it breaks; each names a sentence of the finding. */
const SEEDED: readonly (readonly [rule: string, what: string, subject: Subject, says: RegExp])[] = [
  ['D1', 'a uid that is no slug', declared({ ...SOUND_BOARD, uid: 'Sound 1' }), /uid/],
  ['D1', 'a title without the product', declared({ ...SOUND_BOARD, title: 'Sound' }), /product/],
  ['D1', 'a second tag', edited(() => ({ tags: ['macronode', 'mine'] })), /tags/],
  ['D2', 'an older schema', edited(() => ({ schemaVersion: 39 })), /schema 39/],
  ['D3', 'an editable dashboard', edited(() => ({ editable: true })), /editable/],
  ['D4', 'an edit by hand', edited(() => ({ description: 'Better words.' })), /generates/],
  [
    'D5',
    'a panel with a source of its own',
    edited(({ panels }) => ({ panels: panels.map((panel) => ({ ...panel, datasource: { uid: 'prometheus' } })) })),
    /data source variable/,
  ],
  [
    'D5',
    'a misspelt source variable',
    edited(({ templating: { list } }) => ({
      templating: { list: list.map((v) => (v.type === 'datasource' ? { ...v, name: 'datasourse' } : v)) },
    })),
    /datasourse/,
  ],
  [
    'D6',
    'a variable that is not multi',
    edited(({ templating: { list } }) => ({ templating: { list: list.map((v) => ({ ...v, multi: false })) } })),
    /variable job/,
  ],
  ['D6', 'a selector without a job', declared(withQuery('Rate', `sum (rate(bus_requests_total{instance=~"$instance"}[$__rate_interval]))`)), /\$job/],
  ['D6', 'a variable the board has not', declared(withQuery('Reconnects', `service:bus_reconnects:rate{service=~"$cluster"}`)), /\$cluster/],
  ['D7', 'an instance of a machine', declared(withQuery('Rate', `sum (rate(bus_requests_total{${S},instance="10.0.0.1:9080"}[$__rate_interval]))`)), /instance/],
  ['D7', 'an address', edited(() => ({ description: 'See http://grafana.example/d/1.' })), /grafana\.example/],
  ['D8', 'a fixed range', declared(withQuery('Rate', `sum (rate(bus_requests_total{${S}}[5m]))`)), /over 5m/],
  ['D9', 'a bare counter', declared(withQuery('Rate', `sum (bus_requests_total{${S}})`)), /not inside a rate/],
  ['D9', 'the rate of a gauge', declared(withQuery('Rate', `sum (rate(bus_pending_entries{${S}}[$__rate_interval]))`)), /no counter/],
  ['D9', 'a quantile of unsummed buckets', declared(withQuery('Time p95', `histogram_quantile(0.9, rate(bus_request_seconds_bucket{${S}}[$__rate_interval]))`)), /not summed/],
  ['D9', 'an average of quantiles', declared(withQuery('Time p95', `avg (service:bus_queue_wait_p99:seconds{service=~"$service"})`)), /average/],
  ['D10', 'an increase', declared(withQuery('Rate', `sum (increase(bus_requests_total{${S}}[$__rate_interval]))`)), /zoom/],
  ['D11', 'a ratio without a guard', declared(withQuery('Share', `sum (rate(bus_lagged_total{${S}}[$__rate_interval])) / sum (rate(bus_published_total{${S}}[$__rate_interval]))`)), /guard/],
  ['D11', 'a quantile of nothing', declared(withQuery('Time p95', `histogram_quantile(0.9, sum by (le) (rate(bus_request_seconds_bucket{${S}}[$__rate_interval])))`)), /NaN/],
  ['D11', 'a ratio on a board without a rate', declared({ ...SOUND_BOARD, rows: [promises] }), /without a rate/],
  ['D13', 'a line per route, method and code', declared(withQuery('Rate', `sum by (route, method, code) (rate(http_requests_total{${S}}[$__rate_interval]))`)), /at most 20/],
  [
    'D13',
    'a legend without a table',
    edited(({ panels }) => ({
      panels: panels.map((panel) => ({ ...panel, panels: (panel.panels ?? []).map((p) => ({ ...p, options: {} })) })),
    })),
    /legend/,
  ],
  ['D14', 'a limit in another unit', declared(withPanel('Reconnects', { unit: 's' })), /limit is in ops/],
  [
    'D14',
    'a panel without a unit',
    edited(({ panels }) => ({
      panels: panels.map((panel) => ({ ...panel, panels: (panel.panels ?? []).map(({ fieldConfig: _, ...p }) => p) })),
    })),
    /no unit/,
  ],
  ['D15', 'a limit that means nothing', declared(withoutBreach('Reconnects')), /go together/],
  ['D15', 'red for saturation', edited(({ panels }) => ({ panels: JSON.parse(JSON.stringify(panels).replaceAll('"orange"', '"red"')) as object })), /red, not orange/],
  ['D16', 'a line at another number', edited(({ panels }) => ({ panels: JSON.parse(JSON.stringify(panels).replaceAll('"value":0.05', '"value":0.5')) as object })), /does not draw/],
  ['D16', 'a line that is switched off', edited(({ panels }) => ({ panels: JSON.parse(JSON.stringify(panels).replaceAll('line+area', 'off')) as object })), /does not draw/],
  ['D17', 'stacked shares', declared(withPanel('Reconnects', { stacked: true, unit: 'percentunit' })), /stacks/],
  ['D17', 'an axis that floats', edited(({ panels }) => ({ panels: JSON.parse(JSON.stringify(panels).replaceAll('"min":0', '"min":1')) as object })), /zero/],
  ['D17', 'a crosshair of its own', edited(() => ({ graphTooltip: 0 })), /crosshair/],
  ['D18', 'memory without its limit', declared(withQuery('Rate', `max (process_resident_memory_bytes{${S}})`)), /without process_memory_limit_bytes/],
  ['D19', 'lines before their heatmap', declared({ ...SOUND_BOARD, rows: [promises, { ...calls, panels: calls.panels.toReversed() }] }), /before its heatmap/],
  ['D19', 'a latency without exemplars', declared(withQuery('Time', `sum by (le) (rate(bus_request_seconds_bucket{${S}}[$__rate_interval]))`, '{{le}}')), /without exemplars/],
  ['D19', 'exemplars of what has none', declared(withPanel('Time', { targets: [{ expr: `sum by (le) (rate(store_commit_seconds_bucket{${S}}[$__rate_interval]))`, legend: '{{le}}', exemplar: true }] })), /of what has none/],
  ['D20', 'a word where a sentence belongs', declared(withPanel('Rate', { good: 'fine' })), /sentences/],
  ['D20', 'a description without good and bad', edited(({ panels }) => ({ panels: JSON.parse(JSON.stringify(panels).replaceAll('Good:', 'Well:')) as object })), /description/],
  ['D21', 'rows in another order', declared({ ...SOUND_BOARD, rows: [{ ...streams, collapsed: false }, { ...calls, collapsed: true }] }), /too late/],
  ['D21', 'a search board with open rows', declared({ ...SOUND_BOARD, rows: SOUND_BOARD.rows.map((row) => ({ ...row, collapsed: false })) }), /is open/],
  ['D22', 'no way to the other boards', edited(() => ({ links: [] })), /dropdown/],
  ['D22', 'exemplars that lead nowhere', declared(withoutTraces('Time')), /lead to traces/],
  ['D23', 'no annotations', edited(() => ({ annotations: { list: [] } })), /Starts and deploys/],
  ['D24', 'seven numbers on the first screen', declared({ ...SOUND_BOARD, uid: 'macronode-overview', rows: [{ ...promises, panels: Array.from({ length: 7 }, (_, i) => ({ ...promises.panels[0]!, title: `Share ${i}` })) }] }), /7 numbers/],
  ['D24', 'a number without an objective', declared({ ...SOUND_BOARD, uid: 'macronode-overview', rows: [{ ...calls, collapsed: false }] }), /no number/],
  ['D25', 'a day at first sight', edited(() => ({ time: { from: 'now-24h', to: 'now' } })), /now-24h/],
  ['L1', 'a brace too few', declared(withQuery('Rate', `sum (rate(bus_requests_total{${S}[$__rate_interval]))`)), /not PromQL/],
  ['L1', 'a variable that cannot be parsed', declared({ ...SOUND_BOARD, variables: [{ name: 'job', label: 'Job', query: 'label_values(up{, job)' }] }), /variable job/],
  ['L2', 'panels over each other', edited(({ panels }) => ({ panels: panels.map((panel) => ({ ...panel, gridPos: { ...panel.gridPos, y: 0 } })) })), /over another/],
  ['L2', 'a panel beyond the grid', declared(withPanel('Rate', { width: 25 })), /24 columns/],
  ['L2', 'two panels of one number', edited(({ panels }) => ({ panels: panels.map((panel) => ({ ...panel, id: 1 })) })), /id 1/],
  ['L2', 'two panels of one title', declared(withPanel('Rate', { title: 'Time' })), /twice/],
  ['L2', 'a legend of a label that is gone', declared(withPanel('Rate', { targets: [{ expr: `sum by (result) (rate(bus_requests_total{${S}}[$__rate_interval]))`, legend: '{{code}}' }] })), /shows code/],
  ['L4', 'a series nobody declares', declared(withQuery('Rate', `sum (rate(bus_request_total{${S}}[$__rate_interval]))`)), /declared nowhere/],
  ['L4', 'a variable over a series that is gone', declared({ ...SOUND_BOARD, variables: [{ name: 'job', label: 'Job', query: 'label_values(gone_state, job)' }] }), /gone_state is declared nowhere/],
  ['L4', 'an annotation of a series that is gone', edited(({ annotations: { list } }) => ({ annotations: { list: list.map((a) => ({ ...a, expr: 'gone_state == 1' })) } })), /gone_state is declared nowhere/],
  ['L4', 'a label the metric has not', declared(withQuery('Rate', `sum (rate(bus_requests_total{${S},code="200"}[$__rate_interval]))`)), /has no label code/],
  ['L4', 'a value outside the closed list', declared(withQuery('Rate', `sum (rate(bus_requests_total{${S},result="fine"}[$__rate_interval]))`)), /is fine/],
  ['L4', 'a group by a label that is not there', declared(withQuery('Rate', `sum by (gate) (rate(bus_requests_total{${S}}[$__rate_interval]))`, '{{gate}}')), /groups by gate/],
  ['L4', 'the buckets of a gauge', declared(withQuery('Rate', `sum (rate(bus_pending_entries_bucket{${S}}[$__rate_interval]))`)), /declared nowhere/],
  ['L9', 'a link beside its heading', edited(({ panels }) => ({ panels: JSON.parse(JSON.stringify(panels).replaceAll('#busy', '#bussy')) as object })), /#busy/],
  ['L4', 'seconds shown as bytes', declared(withPanel('Rate', { unit: 'bytes', targets: [{ expr: `max (bus_drain_seconds{${S}})`, legend: 'x' }] })), /shown in bytes/],
]; // prettier-ignore

function withoutBreach(title: string): Board {
  return withPanels(title, ({ breach: _, ...panel }) => panel);
}

function withoutTraces(title: string): Board {
  return withPanels(title, ({ traces: _, ...panel }) => panel);
}

function withPanels(
  title: string,
  change: (panel: Board['rows'][number]['panels'][number]) => Board['rows'][number]['panels'][number],
): Board {
  return {
    ...SOUND_BOARD,
    rows: SOUND_BOARD.rows.map((row) => ({
      ...row,
      panels: row.panels.map((panel) => (panel.title === title ? change(panel) : panel)),
    })),
  };
}

describe('the rules of a board', () => {
  it('say nothing of a sound one', () => {
    expect(findingsOf(subjectOf(SOUND_BOARD), BOARD_RULES)).toEqual([]);
  });

  it.each(SEEDED)('%s sees %s', (rule, _what, subject, says) => {
    const found = findingsOf(subject, BOARD_RULES).filter((finding) => finding.rule === rule);
    expect(found.map((finding) => finding.says).join('\n')).toMatch(says);
  });

  it('are each shown to bite', () => {
    expect(new Set(SEEDED.map(([rule]) => rule))).toEqual(new Set(BOARD_RULES.map(({ name }) => name)));
  });
});
