import type { Bound } from '../bounds.ts';
import type { FaultName } from '../faults.ts';

/** page: someone is woken; ticket: someone looks in working hours; info: nobody is told. */
export type Severity = 'page' | 'ticket' | 'info';

/** One case of a promtool unit test: series over time, and whether the alert fires at a moment. */
export interface AlertCase {
  /** What the case shows, e.g. `silent on no traffic`. */
  readonly name: string;
  /** Series in promtool notation (`0+10x60`), one step per `intervalSeconds`. */
  readonly series: Readonly<Record<string, string>>;
  readonly intervalSeconds: number;
  readonly atSeconds: number;
  /** Labels of each alert that fires then, beside `alertname`; empty when it is silent. */
  readonly fires: readonly Readonly<Record<string, string>>[];
}

/** An alert as it is declared; ranges and waits are those of the real clock and scaled with it. */
export interface Alert {
  /** UpperCamelCase; also its heading in the runbook. */
  readonly name: string;
  readonly severity: Severity;
  /** The service it is about; `{{ $labels.service }}` where the query keeps the label. */
  readonly service: string;
  /** What is compared: a recorded series, the same one its panel draws. */
  readonly expr: string;
  readonly comparison: '>' | '>=' | '<' | '<=' | '==' | 'absent' | 'always';
  readonly bound?: Bound;
  /** Holds as well, so that one failed request of a quiet hour wakes nobody. */
  readonly guard?: string;
  readonly forSeconds: number;
  readonly keepFiringSeconds?: number;
  /** One line with the value: `{{ $value | humanizePercentage }}`. */
  readonly summary: string;
  /** What it means for users. */
  readonly impact: string;
  /** The panel that shows it: uid of the board and title of the panel. */
  readonly panel: { readonly board: string; readonly title: string };
  /** Dependencies inhibit the tickets of what depends on them. */
  readonly cause?: 'dependency';
  readonly cases: readonly AlertCase[];
  /** Faults that make it fire in the verification; empty with a reason where none can. */
  readonly faults: readonly FaultName[];
}
