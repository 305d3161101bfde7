import type { ServiceName } from '@macronode/contracts';
import type { Bound, Unit } from './bounds.ts';
import type { FaultName } from './faults.ts';

/** One query of a panel. */
export interface Target {
  /** PromQL. `$job`, `$service`, `$instance` and `$__rate_interval` are filled in by Grafana. */
  readonly expr: string;
  /** May only use labels the query keeps. */
  readonly legend: string;
  /** Asks for exemplars too: of latency queries. */
  readonly exemplar?: boolean;
  /** A limit or a request that the others are held against: drawn dashed, red or yellow. */
  readonly dashed?: 'limit' | 'request';
}

/** What breaking a limit means: amber or red. */
export type Breach = 'saturation' | 'failure';

/** A number that stands for a state, in the words people use. */
export interface StateText {
  readonly value: number;
  readonly text: string;
  readonly colour: 'green' | 'orange' | 'red' | 'blue';
}

/** What the verification holds a panel against; none of it reaches Grafana. */
export interface PanelEvidence {
  /** Every value lies in here, ends included. */
  readonly sane: readonly [min: number, max: number];
  /** Stays empty until this fault has happened. */
  readonly needs?: FaultName;
  /** Only these services have the series: any other value of `$service` leaves the panel empty. */
  readonly services?: readonly ServiceName[];
}

export type PanelKind = 'timeseries' | 'stat' | 'heatmap' | 'table' | 'state-timeline';

/** A panel as it is declared. Everything a board may forget is required. */
export interface PanelSpec {
  readonly kind: PanelKind;
  /** Unique on its board. */
  readonly title: string;
  readonly what: string;
  readonly good: string;
  /** What to do when it is bad. */
  readonly bad: string;
  /** Heading of the runbook. */
  readonly runbook: string;
  readonly unit: Unit;
  readonly targets: readonly Target[];
  /** Drawn as a line; the constant of the alert or of the objective itself. */
  readonly limit?: Bound;
  /** Goes with `limit`. */
  readonly breach?: Breach;
  /** The limit is a floor: good is above it. */
  readonly floor?: boolean;
  /** Of a panel that shows states. */
  readonly states?: readonly StateText[];
  /** Series are true parts of a whole. */
  readonly stacked?: boolean;
  /** Columns of 24. */
  readonly width: number;
  readonly height: number;
  /** TraceQL that finds the traces behind it. */
  readonly traces?: string;
  readonly evidence: PanelEvidence;
}

/** What a row is about, in the order in which rows follow each other on every board. */
export const ROW_ORDER = ['slo', 'red', 'dependencies', 'queues', 'use', 'build'] as const;

/** A heading with its panels. */
export interface BoardRow {
  readonly title: string;
  readonly about: (typeof ROW_ORDER)[number];
  readonly collapsed: boolean;
  readonly panels: readonly PanelSpec[];
}

/** A query variable beside the data source. */
export interface BoardVariable {
  readonly name: string;
  readonly label: string;
  /** `label_values(metric{…}, label)`. */
  readonly query: string;
}

/** A dashboard as it is declared. */
export interface Board {
  /** Stable and readable: links depend on it. `macronode-overview`. */
  readonly uid: string;
  /** `Macronode / Overview`. */
  readonly title: string;
  readonly description: string;
  readonly variables: readonly BoardVariable[];
  readonly rows: readonly BoardRow[];
}
