import { BOUNDS } from '../bounds.ts';
import { METRICS } from '../declared.ts';
import { heatmap, lines, number } from '../boards/sizes.ts';
import { FLEET_VARIABLES } from '../boards/variables.ts';
import type { Board, PanelSpec } from '../panel.ts';
import { ratio, series } from '../series.ts';

const { bus } = METRICS;
const fleet = series();

const said = {
  what: 'Something.',
  good: 'small.',
  bad: 'look closer.',
  runbook: 'busy',
  evidence: { sane: [0, 1e6] },
} as const;

const RATE: PanelSpec = lines({
  ...said,
  title: 'Rate',
  unit: 'ops',
  targets: [{ expr: fleet.rate(bus.requests, 'result'), legend: '{{result}}' }],
  stacked: true,
});

/** A board that breaks no rule, small enough to break one at a time. */
export const SOUND_BOARD: Board = {
  uid: 'macronode-sound',
  title: 'Macronode / Sound',
  description: 'Breaks no rule.',
  variables: FLEET_VARIABLES,
  rows: [
    {
      title: 'Promises',
      about: 'slo',
      collapsed: false,
      panels: [
        number({
          ...said,
          title: 'Share',
          unit: 'percentunit',
          targets: [{ expr: ratio(fleet.rate(bus.lagged, ''), fleet.rate(bus.published, '')), legend: 'lagged' }],
          limit: BOUNDS.bus_hint_lag,
          breach: 'failure',
        }),
      ],
    },
    {
      title: 'Calls',
      about: 'red',
      collapsed: true,
      panels: [
        RATE,
        heatmap({
          ...said,
          title: 'Time',
          unit: 's',
          targets: [{ expr: fleet.buckets(bus.requestSeconds), legend: '{{le}}', exemplar: true }],
          traces: '{ status = error }',
        }),
        lines({
          ...said,
          title: 'Time p95',
          unit: 's',
          targets: [{ expr: fleet.quantile(0.95, bus.requestSeconds), legend: 'p95', exemplar: true }],
          traces: '{ status = error }',
        }),
      ],
    },
    {
      title: 'Streams',
      about: 'queues',
      collapsed: true,
      panels: [
        lines({
          ...said,
          title: 'Reconnects',
          unit: 'ops',
          targets: [{ expr: fleet.recorded('busReconnects'), legend: '{{service}}' }],
          limit: BOUNDS.bus_reconnects,
          breach: 'saturation',
        }),
      ],
    },
  ],
};

/** The board with one panel changed. */
export const withPanel = (title: string, change: Partial<PanelSpec>): Board => ({
  ...SOUND_BOARD,
  rows: SOUND_BOARD.rows.map((row) => ({
    ...row,
    panels: row.panels.map((panel) => (panel.title === title ? { ...panel, ...change } : panel)),
  })),
});

/** The board with another query in one panel. */
export const withQuery = (title: string, expr: string, legend = 'x'): Board =>
  withPanel(title, { targets: [{ expr, legend }] });
