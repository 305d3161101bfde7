import { ALERT_GROUPS } from './alerts.ts';
import { DEMO_CLOCK, REAL_CLOCK, type RuleClock } from './clock.ts';
import { ruleGroups } from './groups.ts';
import { prometheusConfig } from './prometheus-config.ts';
import { ruleFileYaml, unitTestYaml, yaml } from './promtool.ts';

/** What compose mounts for a value of `SLO_WINDOW`, from the repository root. */
const FOLDERS = [
  ['infra/prometheus/28d', REAL_CLOCK],
  ['infra/prometheus/24h', DEMO_CLOCK],
] as const;

/** Rule files of a clock by name. */
export const ruleFiles = (clock: RuleClock): ReadonlyMap<string, string> =>
  new Map(Object.entries(ruleGroups(clock)).map(([name, groups]) => [`${name}.yml`, ruleFileYaml(groups)]));

/** Rule files and settings of the Prometheus in compose, by path from the repository root. */
export const composedRuleFiles = (): ReadonlyMap<string, string> =>
  new Map(
    FOLDERS.flatMap(([folder, clock]) => [
      ...[...ruleFiles(clock)].map(([name, content]) => [`${folder}/${name}`, content] as const),
      [`${folder}/prometheus.yml`, yaml(prometheusConfig(clock))] as const,
    ]),
  );

/** Unit tests of the causes, to be run where somebody changes a rule by hand: `promtool test rules`. */
export function unitTestFiles(): ReadonlyMap<string, string> {
  const { burn: _burn, ...causes } = ALERT_GROUPS;
  return new Map(
    Object.entries(causes).map(([name, alerts]) => [
      `infra/prometheus/tests/${name}.test.yml`,
      unitTestYaml('../28d/causes.yml', alerts, REAL_CLOCK),
    ]),
  );
}
