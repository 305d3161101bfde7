// npm run verify:dashboards: every panel, alert and runbook step held against a node that is really broken.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BOARDS } from '../grafana/boards/index.ts';
import { ACCEPTABLE, FAULT_NAMES, type FaultName } from '../grafana/faults.ts';
import { lintBoards } from '../grafana/lint/index.ts';
import { ALERTS } from '../grafana/rules/alerts.ts';
import { ROOT } from './bootstrap.mjs';
import { endWith } from './verb.ts';
import { Client, steadyTraffic } from './rig/client.ts';
import { contactSheet } from './verify/contact-sheet.ts';
import { Ledger } from './rig/ledger.ts';
import { askPanel, type PanelAnswer, variableValues } from './verify/live.ts';
import { loadBoard } from './verify/load-board.ts';
import { type FaultResult, isGreen, sufferFault } from './verify/matrix.ts';
import { registryTraffic } from './verify/registry-traffic.ts';
import { isSound, reportPage } from './verify/report.ts';
import { Results } from './verify/results.ts';
import { type Rig, startRig } from './verify/rig.ts';
import { checkSettings } from './verify/settings.ts';
import { Timeline } from './verify/timeline.ts';
import { tellTruth, type TruthResult } from './verify/truth.ts';
import { type WalkResult, walksOf } from './verify/walks.ts';

const PARTS = ['settings', 'truth', 'faults', 'live', 'shots'] as const;
const RUN_DIR = join(ROOT, '.run', 'verification');
const REPORT = join('docs', 'verification.md');
/** Fired for as long as nobody receives: begun first, judged last. */
const EARLY: FaultName = 'mailbox_without_receivers';
/** Fire while the early fault lasts, whatever else is done. */
const IGNORED = new Set(['Watchdog', 'MailboxStalled']);

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: PARTS.join(',') },
    faults: { type: 'string', default: FAULT_NAMES.join(',') },
    write: { type: 'boolean', default: false },
  },
});

const started = performance.now();
const say = (text: string): void => {
  process.stdout.write(`${((performance.now() - started) / 1_000).toFixed(0).padStart(5)} s  ${text}\n`);
};

function chosen<T extends string>(flag: string, text: string, known: readonly T[]): readonly T[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !(known as readonly string[]).includes(name));
  if (unknown !== undefined) throw new Error(`--${flag}: there is no '${unknown}'; there are: ${known.join(', ')}.`);
  return known.filter((name) => names.includes(name));
}

await endWith(async () => {
  const parts = chosen('only', values.only, PARTS);
  const names = chosen('faults', values.faults, FAULT_NAMES);
  const findings = lintBoards(BOARDS);
  say(`lint: ${findings.length} findings`);
  const whole = parts.length === PARTS.length && names.length === FAULT_NAMES.length;
  const results = new Results(join(RUN_DIR, 'results.json'), { whole });
  if (parts.includes('settings')) results.settingsSeen(await checkSettings());
  await using rig = await startRig();
  say(`the node runs at ${rig.url}, Prometheus at ${rig.prometheus.url}`);
  const since = Date.now() / 1_000;

  if (parts.includes('faults')) await suffer(rig, names, results);
  // After the faults: the dead letters it makes keep alerts up that faults have to set off.
  if (parts.includes('truth')) results.truthsSeen(await truth(rig));
  let drawn: readonly PanelAnswer[] = [];
  if (parts.includes('live')) {
    const k6 = await loadBoard(rig);
    say(k6);
    drawn = await live(rig, since);
    results.panelsSeen(k6, drawn);
  }
  mkdirSync(RUN_DIR, { recursive: true });
  const verification = { findings, results };
  const report = reportPage(verification);
  writeFileSync(join(RUN_DIR, 'report.md'), report);
  if (values.write) writeFileSync(join(ROOT, REPORT), report);
  if (parts.includes('shots') && drawn.length > 0) {
    contactSheet(BOARDS, drawn, join(RUN_DIR, 'boards'));
    say(`boards drawn into ${join('.run', 'verification', 'boards')}`);
  }
  say(`report written to ${values.write ? REPORT : join('.run', 'verification', 'report.md')}`);
  if (!isSound(verification)) throw new Error('Not everything is as it must be: the report says what.');
});

async function truth(rig: Rig): Promise<readonly TruthResult[]> {
  say('a known load, and what the panels say of it');
  const truths = await tellTruth(rig);
  for (const { holds, board, panel, series, ledger, shown } of truths) {
    if (!holds) say(`  ${board} / ${panel} ${series}: ledger ${ledger}, panel ${shown}`);
  }
  say(`truth: ${truths.filter(({ holds }) => holds).length} of ${truths.length} hold`);
  return truths;
}

async function suffer(rig: Rig, names: readonly FaultName[], results: Results): Promise<void> {
  const client = new Client(rig.url, new Ledger());
  await using timeline = new Timeline(rig.prometheus);
  const suffered = async (fault: FaultName, ignored: ReadonlySet<string>): Promise<void> => {
    let walks: readonly WalkResult[] = [];
    const surroundings = { rig, client, timeline, ignored };
    const result = await sufferFault(fault, surroundings, async () => {
      walks = await walksOf(rig.prometheus, fault);
    });
    tell(result, walks);
    results.faultSeen(result, walks);
  };
  // The early one lasts through all the others: what they set off says nothing of it.
  const everything = new Set(ALERTS.map(({ name }) => name));
  const early = names.includes(EARLY) ? suffered(EARLY, everything) : undefined;
  const others = names.filter((name) => name !== EARLY);
  for (const fault of others.filter((name) => ACCEPTABLE.has(name))) await suffered(fault, IGNORED);
  for (const fault of others.filter((name) => !ACCEPTABLE.has(name))) await suffered(fault, IGNORED);
  await early;
  client.close();
}

function tell(result: FaultResult, walks: readonly WalkResult[]): void {
  const { fault, expected, wrong, failure } = result;
  const fired = expected.map(({ name, secondsToFire }) => `${name} ${secondsToFire ?? 'NOT FIRED'}`).join(', ');
  say(
    `${isGreen(result) ? 'ok ' : 'RED'} ${fault}: ${fired || 'silent'}${wrong.length > 0 ? `; wrong: ${wrong.join(', ')}` : ''}${failure === undefined ? '' : `; ${failure}`}`,
  );
  for (const { heading, query, answer, problem } of walks) {
    if (problem !== undefined) say(`  ${heading} ${problem}: ${query} answers ${answer}`);
  }
}

async function live(rig: Rig, since: number): Promise<readonly PanelAnswer[]> {
  const client = new Client(rig.url, new Ledger());
  const traffic = steadyTraffic(client, 4, 50);
  const governance = registryTraffic(rig);
  const answers: PanelAnswer[] = [];
  for (const board of BOARDS) {
    const variables = await variableValues(rig.prometheus, board);
    const range = { start: since, end: Date.now() / 1_000 };
    for (const panel of board.rows.flatMap(({ panels }) => panels)) {
      const answer = await askPanel(rig.prometheus, board, panel, variables, range);
      if (answer.problems.length > 0) say(`  ${board.uid} / ${panel.title}: ${answer.problems.join('; ')}`);
      answers.push(answer);
    }
  }
  await traffic.stop();
  await governance();
  client.close();
  say(
    `live: ${answers.filter(({ problems }) => problems.length === 0).length} of ${answers.length} panels have sound data`,
  );
  return answers;
}
