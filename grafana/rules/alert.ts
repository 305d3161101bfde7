import type { Bound } from '../bounds.ts';
import type { FaultName } from '../faults.ts';
import type { RuleClock } from './clock.ts';
import type { Labels } from './labels.ts';
import type { Signals } from './signal.ts';
import type { ValueFormat } from './value.ts';

/** page: someone is woken; ticket: someone looks in working hours; info: nobody is told. */
export type Severity = 'page' | 'ticket' | 'info';

/** How an alert compares. `absent` and `always` have nothing to compare with: their query answers or does not. */
export type Comparison = '>' | '<' | '==' | 'absent' | 'always';

/** An alert as it is declared; ranges and waits are those of the real clock and scaled with it. */
export interface Alert {
  /** UpperCamelCase; also its heading in the runbook. Burn alerts share one name per objective. */
  readonly name: string;
  readonly severity: Severity;
  /** Labels beside the severity. `service` is left out where the query keeps that of the series. */
  readonly labels: Labels;
  /** What is compared: a recorded series, the same one its panel draws, or a query of the clock. */
  readonly expr: (clock: RuleClock) => string;
  readonly comparison: Comparison;
  readonly bound?: Bound;
  /** Holds as well: an expression that keeps the labels of `expr`. */
  readonly guard?: (clock: RuleClock) => string;
  /** Of a share or a quantile: series of which nothing is known without traffic; they have no value then, not zero. */
  readonly unknownWithoutTraffic?: string;
  /** Budget windows and scrapes scale differently: see `clock.ts`. */
  readonly scale: 'budget' | 'scrape';
  readonly forSeconds: number;
  /** Goes on firing for so long, so that one event is seen by people. */
  readonly keepFiringSeconds?: number;
  readonly format: ValueFormat;
  /** One line with the value; labels are those the query keeps. */
  readonly summary: (labels: Labels, value: string) => string;
  /** What it means for users. */
  readonly impact: string;
  /** The panel that shows it: uid of the board and title of the panel. */
  readonly panel: { readonly board: string; readonly title: string };
  /** Dependencies inhibit the tickets of what depends on them. */
  readonly cause?: 'dependency';
  /** What its unit tests feed it. */
  readonly signals: Signals;
  /** Faults that make it fire in the verification. */
  readonly faults: readonly FaultName[];
  /** Why no fault of the verification makes it fire; its unit tests still do. */
  readonly unproduced?: string;
}
