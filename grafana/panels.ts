/**
 * The few panel shapes our boards use, as classic dashboard JSON (schema 42, loads in Grafana 9 to 13).
 * Everything a board may forget is a required argument here: description, unit, legend.
 */

/** Grafana unit ids in use. Base units in; the unit does the scaling. */
export type Unit = 's' | 'bytes' | 'Bps' | 'reqps' | 'ops' | 'percentunit' | 'short' | 'none';

export interface Target {
  /** PromQL. `$job`, `$instance` and `$__rate_interval` are filled in by Grafana. */
  readonly expr: string;
  /** May only use labels the query keeps. */
  readonly legend: string;
}

export interface PanelOptions {
  readonly title: string;
  /** What it is, what good looks like, what to do when it is bad. */
  readonly description: string;
  readonly unit: Unit;
  readonly targets: readonly Target[];
  /** Drawn as a line; comes from the same constant as the alert. */
  readonly limit?: number;
  /** Columns of 24; 8 when not given. */
  readonly width?: number;
}

export interface Panel {
  readonly kind: 'timeseries' | 'stat' | 'row';
  readonly title: string;
  readonly width: number;
  readonly height: number;
  readonly body: Readonly<Record<string, unknown>>;
}

const DATASOURCE = Object.freeze({ type: 'prometheus', uid: '${datasource}' });

const targets = (options: PanelOptions): unknown[] =>
  options.targets.map((target, index) => ({
    datasource: DATASOURCE,
    editorMode: 'code',
    expr: target.expr,
    legendFormat: target.legend,
    range: true,
    refId: String.fromCharCode('A'.charCodeAt(0) + index),
  }));

const thresholds = (limit: number | undefined): unknown => ({
  mode: 'absolute',
  steps:
    limit === undefined
      ? [{ color: 'green', value: null }]
      : [
          { color: 'green', value: null },
          { color: 'red', value: limit },
        ],
});

/** Lines over time, zero-based, legend as a table with mean, max and last. */
export function timeseries(options: PanelOptions): Panel {
  return {
    kind: 'timeseries',
    title: options.title,
    width: options.width ?? 8,
    height: 8,
    body: {
      type: 'timeseries',
      title: options.title,
      description: options.description,
      datasource: DATASOURCE,
      fieldConfig: {
        defaults: {
          color: { mode: 'palette-classic' },
          custom: {
            drawStyle: 'line',
            fillOpacity: 10,
            lineWidth: 1,
            showPoints: 'never',
            spanNulls: false,
            thresholdsStyle: { mode: options.limit === undefined ? 'off' : 'line+area' },
          },
          min: 0,
          thresholds: thresholds(options.limit),
          unit: options.unit,
        },
        overrides: [],
      },
      options: {
        legend: { calcs: ['mean', 'max', 'lastNotNull'], displayMode: 'table', placement: 'bottom', showLegend: true },
        tooltip: { mode: 'multi', sort: 'desc' },
      },
      targets: targets(options),
    },
  };
}

/** One number, coloured by its limit. */
export function stat(options: PanelOptions): Panel {
  return {
    kind: 'stat',
    title: options.title,
    width: options.width ?? 4,
    height: 4,
    body: {
      type: 'stat',
      title: options.title,
      description: options.description,
      datasource: DATASOURCE,
      fieldConfig: {
        defaults: { color: { mode: 'thresholds' }, thresholds: thresholds(options.limit), unit: options.unit },
        overrides: [],
      },
      options: {
        colorMode: 'value',
        graphMode: 'area',
        justifyMode: 'auto',
        reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
        textMode: 'auto',
      },
      targets: targets(options),
    },
  };
}

/** A heading that starts a new line of panels. */
export function row(title: string): Panel {
  return { kind: 'row', title, width: 24, height: 1, body: { type: 'row', title, collapsed: false, panels: [] } };
}

export interface BoardOptions {
  /** Stable and readable: links depend on it. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  /** A metric every scraped process has: the job and instance variables read its labels. */
  readonly anchorMetric: string;
  readonly panels: readonly Panel[];
}

/** Places panels left to right on Grafana's 24 columns, a row heading starting a new line. */
function place(panels: readonly Panel[]): unknown[] {
  let x = 0;
  let y = 0;
  let lineHeight = 0;
  return panels.map((panel, index) => {
    if (panel.kind === 'row' || x + panel.width > 24) {
      y += lineHeight;
      x = 0;
      lineHeight = 0;
    }
    const gridPos = { h: panel.height, w: panel.width, x, y };
    x += panel.width;
    lineHeight = Math.max(lineHeight, panel.height);
    return { id: index + 1, gridPos, ...panel.body };
  });
}

const queryVariable = (name: string, label: string, query: string): unknown => ({
  allValue: '.+',
  current: { selected: true, text: 'All', value: '$__all' },
  datasource: DATASOURCE,
  definition: query,
  includeAll: true,
  label,
  multi: true,
  name,
  query: { query, refId: 'PrometheusVariableQueryEditor-VariableQuery' },
  refresh: 2,
  sort: 1,
  type: 'query',
});

/** A whole dashboard as Grafana's file provisioning reads it. */
export function board(options: BoardOptions): Readonly<Record<string, unknown>> {
  return {
    annotations: { list: [] },
    description: options.description,
    editable: false,
    graphTooltip: 1,
    id: null,
    links: [
      {
        asDropdown: true,
        includeVars: true,
        keepTime: true,
        tags: ['macronode'],
        title: 'Macronode',
        type: 'dashboards',
      },
    ],
    panels: place(options.panels),
    refresh: '10s',
    schemaVersion: 42,
    tags: ['macronode'],
    templating: {
      list: [
        { current: {}, label: 'Data source', name: 'datasource', query: 'prometheus', refresh: 1, type: 'datasource' },
        queryVariable('job', 'Job', `label_values(${options.anchorMetric}, job)`),
        queryVariable('service', 'Service', `label_values(${options.anchorMetric}{job=~"$job"}, service)`),
        queryVariable(
          'instance',
          'Instance',
          `label_values(${options.anchorMetric}{job=~"$job",service=~"$service"}, instance)`,
        ),
      ],
    },
    time: { from: 'now-15m', to: 'now' },
    timepicker: {},
    timezone: 'browser',
    title: options.title,
    uid: options.uid,
    version: 1,
  };
}
