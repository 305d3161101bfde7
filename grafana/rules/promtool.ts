import { stringify } from 'yaml';
import { type AlertCase, casesOf, selector } from './cases.ts';
import type { Alert } from './alert.ts';
import type { RuleClock } from './clock.ts';
import type { RuleFile } from './groups.ts';

const NOTICE = '# Written by `npm run generate`; edits are lost.\n';

/** A derived file of settings. */
export const yaml = (content: unknown): string =>
  NOTICE + stringify(content, { lineWidth: 0, aliasDuplicateObjects: false });

/** A rule file as Prometheus reads it. */
export const ruleFileYaml = (groups: RuleFile): string => yaml({ groups });

/**
 * What fires: its labels and annotations, and nothing else of its name. Burn alerts share a name and fire together: of those
 * the one of its window is asked for, and so is one whose value speaks of a moment that is gone.
 */
function expectation({ alert, atSeconds, fires, among, empty }: AlertCase): object {
  const eval_time = `${atSeconds}s`;
  if (empty !== undefined) return { promql_expr_test: [{ eval_time, expr: empty, exp_samples: [] }] };
  if (among === undefined && fires.every(({ annotations }) => annotations !== undefined)) {
    const exp_alerts = fires.map(({ labels, annotations }) => ({ exp_labels: labels, exp_annotations: annotations }));
    return { alert_rule_test: [{ eval_time, alertname: alert, exp_alerts }] };
  }
  const firing = { alertname: alert, alertstate: 'firing' };
  const exp_samples = fires.map(({ labels }) => ({ labels: selector('ALERTS', { ...firing, ...labels }), value: 1 }));
  return { promql_expr_test: [{ eval_time, expr: selector('ALERTS', { ...firing, ...among }), exp_samples }] };
}

/** Unit tests of alerts as promtool reads them (2.42 and newer), against one rule file. */
export function unitTestYaml(ruleFile: string, alerts: readonly Alert[], clock: RuleClock): string {
  const tests = alerts.flatMap((alert) =>
    casesOf(alert, clock).map((one) => ({
      name: [alert.labels['slo'], alert.labels['window'], `${one.alert}: ${one.name}`].filter(Boolean).join(' '),
      interval: `${one.intervalSeconds}s`,
      input_series: Object.entries(one.series).map(([series, values]) => ({ series, values })),
      ...expectation(one),
    })),
  );
  return yaml({ rule_files: [ruleFile], evaluation_interval: `${clock.scrapeSeconds}s`, tests });
}
