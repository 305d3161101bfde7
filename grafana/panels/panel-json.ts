import type { PanelKind, PanelSpec } from '../panel.ts';
import { PROMETHEUS } from './datasource.ts';
import { descriptionOf } from './description.ts';
import type { GridPosition, Json, PanelJson } from './json.ts';
import { dataLinksOf } from './links.ts';
import { dashedOverridesOf, targetsOf } from './targets.ts';
import { thresholdsOf } from './thresholds.ts';

const LAST = Object.freeze({ calcs: ['lastNotNull'], fields: '', values: false });

/** What one kind of panel adds to the common part: of the field defaults, and beside them. */
interface Look {
  readonly defaults: Json;
  readonly options: Json;
  readonly transformations?: readonly Json[];
}

const timeseries = ({ limit, stacked = false }: PanelSpec): Look => ({
  defaults: {
    color: { mode: 'palette-classic' },
    custom: {
      drawStyle: 'line',
      fillOpacity: 10,
      lineWidth: 1,
      showPoints: 'auto',
      spanNulls: false,
      stacking: { group: 'A', mode: stacked ? 'normal' : 'none' },
      thresholdsStyle: { mode: limit === undefined ? 'off' : 'line+area' },
    },
  },
  options: {
    legend: {
      calcs: ['mean', 'max', 'lastNotNull'],
      displayMode: 'table',
      placement: 'bottom',
      showLegend: true,
      sortBy: 'Last *',
      sortDesc: true,
    },
    tooltip: { mode: 'multi', sort: 'desc' },
  },
});

const stat = (): Look => ({
  defaults: { color: { mode: 'thresholds' }, noValue: 'no data' },
  options: {
    colorMode: 'background',
    graphMode: 'area',
    justifyMode: 'auto',
    orientation: 'auto',
    percentChangeColorMode: 'standard',
    reduceOptions: LAST,
    showPercentChange: false,
    textMode: 'auto',
    wideLayout: true,
  },
});

const heatmap = ({ unit }: PanelSpec): Look => ({
  defaults: { custom: { hideFrom: { legend: false, tooltip: false, viz: false } } },
  options: {
    calculate: false,
    cellGap: 1,
    cellValues: { unit: 'ops' },
    color: {
      exponent: 0.5,
      fill: 'dark-orange',
      mode: 'scheme',
      reverse: false,
      scale: 'exponential',
      scheme: 'Blues',
      steps: 64,
    },
    exemplars: { color: 'rgba(255,0,255,0.7)' },
    filterValues: { le: 1e-9 },
    legend: { show: true },
    rowsFrame: { layout: 'auto' },
    showValue: 'never',
    tooltip: { mode: 'single', showColorScale: true, yHistogram: false },
    yAxis: { axisPlacement: 'left', unit },
  },
});

/** Columns are the labels the query keeps; the value is shown only where it counts something. */
const table = ({ unit }: PanelSpec): Look => ({
  defaults: { color: { mode: 'thresholds' }, custom: { align: 'auto', cellOptions: { type: 'auto' }, inspect: false } },
  options: { cellHeight: 'sm', frameIndex: 0, showHeader: true },
  transformations: [
    { id: 'merge', options: {} },
    { id: 'organize', options: { excludeByName: { Time: true, ...(unit === 'none' && { Value: true }) } } },
  ],
});

const stateTimeline = (): Look => ({
  defaults: { color: { mode: 'thresholds' }, custom: { fillOpacity: 70, lineWidth: 0 } },
  options: {
    alignValue: 'left',
    legend: { calcs: [], displayMode: 'list', placement: 'bottom', showLegend: true },
    mergeValues: true,
    rowHeight: 0.9,
    showValue: 'auto',
    tooltip: { mode: 'single', sort: 'none' },
  },
});

const LOOKS: Readonly<Record<PanelKind, (spec: PanelSpec) => Look>> = Object.freeze({
  timeseries,
  stat,
  heatmap,
  table,
  'state-timeline': stateTimeline,
});

const mappingsOf = ({ states }: PanelSpec): Json =>
  states === undefined
    ? {}
    : {
        mappings: [
          {
            options: Object.fromEntries(
              states.map(({ value, text, colour }, index) => [value, { color: colour, index, text }]),
            ),
            type: 'value',
          },
        ],
      };

/** A panel as Grafana reads it. */
export function panelJson(spec: PanelSpec, id: number, gridPos: GridPosition): PanelJson {
  const { defaults, options, transformations } = LOOKS[spec.kind](spec);
  return {
    id,
    type: spec.kind,
    title: spec.title,
    description: descriptionOf(spec),
    datasource: PROMETHEUS,
    gridPos,
    fieldConfig: {
      defaults: {
        ...defaults,
        links: dataLinksOf(spec),
        ...mappingsOf(spec),
        ...(spec.evidence.sane[0] >= 0 && { min: 0 }),
        thresholds: { mode: 'absolute', steps: thresholdsOf(spec) },
        unit: spec.unit,
      },
      overrides: dashedOverridesOf(spec),
    },
    options,
    targets: targetsOf(spec),
    ...(transformations !== undefined && { transformations }),
  };
}
