// npm run verify:alerts: the rules changed in every way people get them wrong; a change no unit test notices is a hole.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { ALERTS } from '../grafana/rules/alerts.ts';
import { allMutants, type Mutant, untouched } from '../grafana/rules/mutants.ts';
import { requireProgram } from './programs.ts';
import { endWith } from './verb.ts';

/** Of a hundred wrong changes so many have to be noticed. */
const SHARE_MIN = 0.95;
const PROGRESS_MS = 10_000;

const { values } = parseArgs({ options: { alert: { type: 'string' } } });
const run = promisify(execFile);

/** Whether promtool passes the tests on the rules. */
async function passes(promtool: string, { rules, tests }: Mutant): Promise<boolean> {
  const dir = mkdtempSync(join(tmpdir(), 'macronode-mutant-'));
  try {
    writeFileSync(join(dir, 'rules.yml'), rules);
    writeFileSync(join(dir, 'unit.test.yml'), tests);
    await run(promtool, ['test', 'rules', join(dir, 'unit.test.yml')]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Runs work over items on every core. */
async function onEveryCore<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
}

await endWith(async () => {
  const promtool = requireProgram('promtool', 'prometheus');
  const alerts = ALERTS.filter(({ name }) => values.alert === undefined || name === values.alert);
  if (alerts.length === 0) throw new Error(`There is no alert '${values.alert ?? ''}'.`);
  await onEveryCore(alerts, async (alert) => {
    if (!(await passes(promtool, untouched(alert))))
      throw new Error(`The unit tests of ${alert.name} fail as they are.`);
  });
  const mutants = allMutants().filter(({ alert }) => values.alert === undefined || alert.endsWith(values.alert));
  const survivors: Mutant[] = [];
  let done = 0;
  const progress = setInterval(() => process.stderr.write(`${done} of ${mutants.length} mutants\n`), PROGRESS_MS);
  try {
    await onEveryCore(mutants, async (mutant) => {
      if (await passes(promtool, mutant)) survivors.push(mutant);
      done += 1;
    });
  } finally {
    clearInterval(progress);
  }
  for (const { alert, rule, change } of survivors) process.stdout.write(`survived: ${alert}: ${rule}: ${change}\n`);
  const share = (mutants.length - survivors.length) / mutants.length;
  process.stdout.write(
    `${mutants.length - survivors.length} of ${mutants.length} mutants noticed: ${(share * 100).toFixed(1)} %\n`,
  );
  if (share < SHARE_MIN) throw new Error(`Fewer than ${SHARE_MIN * 100} % are noticed.`);
});
