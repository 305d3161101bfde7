import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Alert } from './alert.ts';
import { ALERT_GROUPS, ALERTS } from './alerts.ts';
import { DEMO_CLOCK, REAL_CLOCK, type RuleClock } from './clock.ts';
import { ruleFiles } from './files.ts';
import { type Rule, type RuleFile, ruleGroups } from './groups.ts';
import { SHORT_CLOCK } from './mutants.ts';
import { ruleFileYaml, unitTestYaml } from './promtool.ts';
import { WATCHED } from './slos.ts';

const run = promisify(execFile);

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'macronode-rules-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function folderOf(name: string, clock: RuleClock): string {
  const folder = join(dir, name);
  mkdirSync(folder, { recursive: true });
  for (const [file, content] of ruleFiles(clock)) writeFileSync(join(folder, file), content);
  return folder;
}

/** Runs the unit tests of some alerts against the rules they need; what failed is in the message. */
async function unitTests(name: string, groups: RuleFile, alerts: readonly Alert[], clock: RuleClock): Promise<void> {
  writeFileSync(join(dir, `${name}.yml`), ruleFileYaml(groups));
  const file = join(dir, `${name}.test.yml`);
  writeFileSync(file, unitTestYaml(`${name}.yml`, alerts, clock));
  const { stdout } = await run('promtool', ['test', 'rules', file]);
  expect(stdout).toContain('SUCCESS');
}

describe('rules', () => {
  it.each([
    ['real', REAL_CLOCK],
    ['demo', DEMO_CLOCK],
  ])('of the %s clock pass every lint of promtool', async (name, clock) => {
    const folder = folderOf(name, clock);
    const files = [...ruleFiles(clock).keys()].map((file) => join(folder, file));
    await run('promtool', ['check', 'rules', '--lint=all', '--lint-fatal', ...files]);
  });
});

describe('unit tests of alerts', { timeout: 180_000 }, () => {
  const { burn: _burn, ...causes } = ALERT_GROUPS;

  const clocks = [
    ['real', REAL_CLOCK],
    ['demo', DEMO_CLOCK],
  ] as const;
  const onEachClock = Object.entries(causes).flatMap(([name, alerts]) =>
    clocks.map(([clockName, clock]) => ({ name, alerts, clockName, clock })),
  );

  it.concurrent.each(onEachClock)('$name on the $clockName clock', async ({ name, alerts, clockName, clock }) => {
    const groups = ruleGroups(clock).causes.filter(
      (group) => /^recordings/.test(group.name) || group.name.startsWith(name),
    );
    await unitTests(`${name}-${clockName}`, groups, alerts, clock);
  });

  it.concurrent.each(WATCHED)('burn of %s', async (slo) => {
    const concerns = ({ labels }: Rule): boolean => labels?.['slo'] === undefined || labels['slo'] === slo;
    const groups = ruleGroups(SHORT_CLOCK).slo.map((group) => ({ ...group, rules: group.rules.filter(concerns) }));
    const alerts = ALERTS.filter(({ labels }) => labels['slo'] === slo);
    await unitTests(slo, groups, alerts, SHORT_CLOCK);
  });
});
