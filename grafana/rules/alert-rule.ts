import { BOARDS } from '../boards/index.ts';
import { dashboardJson } from '../panels/dashboard-json.ts';
import { runbookUrl } from '../runbook/entry.ts';
import type { Alert } from './alert.ts';
import type { Labels } from './labels.ts';
import { type RuleClock, waitSeconds } from './clock.ts';
import { TEMPLATE_OF } from './value.ts';

/** Where Grafana is opened: the port compose publishes on this machine. */
const GRAFANA_URL = 'http://localhost:3000';

/** An alerting rule as Prometheus reads it. */
export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly keep_firing_for?: string;
  readonly labels: Labels;
  readonly annotations: Labels;
}

const seconds = (value: number): string => `${value}s`;

function compared({ comparison, bound, guard, expr }: Alert, clock: RuleClock): string {
  const query = expr(clock);
  const condition = bound === undefined ? query : `${query} ${comparison} ${bound.value}`;
  return guard === undefined ? condition : `${condition} and ${guard(clock)}`;
}

/** The page of a panel alone, over the last hour. */
function panelUrl({ board, title }: Alert['panel']): string {
  const found = BOARDS.find(({ uid }) => uid === board);
  const panels = found === undefined ? [] : dashboardJson(found).panels.flatMap((one) => [one, ...(one.panels ?? [])]);
  const panel = panels.find((one) => one.type !== 'row' && one.title === title);
  if (panel === undefined) throw new Error(`no panel "${title}" on the board ${board}`);
  return `${GRAFANA_URL}/d/${board}?viewPanel=${panel.id}&from=now-1h&to=now`;
}

/** What a template says of a label. */
const templates: Labels = new Proxy({}, { get: (_target, label) => `{{ $labels.${String(label)} }}` });

/** Labels an alert adds to those of its series. */
export const ownLabels = ({ severity, labels, cause }: Alert): Labels => ({
  severity,
  ...labels,
  ...(cause !== undefined && { cause }),
});

/** Annotations, with the text of labels and value as given: templates in the rule, what they become in its tests. */
export const annotationsOf = (alert: Alert, labels: Labels, value: string): Labels => ({
  summary: alert.summary(labels, value),
  description: alert.impact,
  runbook_url: runbookUrl(alert.name),
  dashboard_url: panelUrl(alert.panel),
});

/** The rule of an alert on a clock. */
export function alertRule(alert: Alert, clock: RuleClock): AlertRule {
  const wait = waitSeconds(clock, alert.scale, alert.forSeconds);
  const keep = waitSeconds(clock, alert.scale, alert.keepFiringSeconds ?? 0);
  return {
    alert: alert.name,
    expr: compared(alert, clock),
    ...(wait > 0 && { for: seconds(wait) }),
    ...(keep > 0 && { keep_firing_for: seconds(keep) }),
    labels: ownLabels(alert),
    annotations: annotationsOf(alert, templates, TEMPLATE_OF[alert.format]),
  };
}
