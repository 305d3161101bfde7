// npm run perf:gate: the working tree against a base revision, interleaved on this machine.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { FLOW_NAMES, type FlowName } from '../k6/flows/flows.ts';
import { ROOT } from './bootstrap.mjs';
import { checkedOut, defaultBase, isDirty, revisionOf } from './perf-gate/base.ts';
import { baselineOf, besideBaseline, readBaseline, writeBaseline } from './perf-gate/baseline.ts';
import { measure, MEASURE_SECONDS } from './perf-gate/live.ts';
import { type GateProfile, PROFILES, type Recording } from './perf-gate/samples.ts';
import { serves, Side } from './perf-gate/side.ts';
import { judge, type Verdict } from './perf-gate/verdict.ts';
import { expired, unwaived, WaiverFile } from './perf-gate/waivers.ts';
import { endWith } from './verb.ts';

const RUN_DIR = join(ROOT, '.run', 'perf-gate');
const WAIVERS = join(ROOT, 'k6', 'baselines', 'waivers.json');
/** The rise the gate must not miss, and how often each proof is made. */
const SEEDED_SHARE = 0.15;
const PROOFS = 3;

const { values } = parseArgs({
  options: {
    base: { type: 'string' },
    profile: { type: 'string', default: 'macronode' },
    flows: { type: 'string', default: FLOW_NAMES.join(',') },
    seconds: { type: 'string', default: String(MEASURE_SECONDS) },
    seed: { type: 'string', default: '1' },
    'seed-cpu': { type: 'string', default: '0' },
    json: { type: 'string' },
    report: { type: 'string', default: RUN_DIR },
    'write-baseline': { type: 'boolean', default: false },
    prove: { type: 'boolean', default: false },
  },
});

// What a run started ends with it: ending by a signal has to be an exit like any other.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

function profileOf(name: string): GateProfile {
  const profile = PROFILES.find((one) => one === name);
  if (profile === undefined) throw new Error(`There is no profile '${name}'; there are: ${PROFILES.join(', ')}.`);
  return profile;
}

function flowsOf(list: string): readonly FlowName[] {
  return list.split(',').map((name) => {
    const flow = FLOW_NAMES.find((one) => one === name);
    if (flow === undefined) throw new Error(`There is no flow '${name}'; there are: ${FLOW_NAMES.join(', ')}.`);
    return flow;
  });
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r  ${text}\u001b[K`);
  else if (/^round \d+: \w+/.test(text) || text.startsWith('warming')) process.stderr.write(`  ${text}\n`);
}

interface RunOptions {
  readonly base: string;
  readonly profile: GateProfile;
  readonly seed: number;
  readonly seededShare: number;
}

async function record({ base, profile, seed, seededShare }: RunOptions): Promise<Recording> {
  const root = await checkedOut(base);
  const flows = flowsOf(values.flows);
  const judged = flows.filter((flow) => serves(root, flow));
  mkdirSync(RUN_DIR, { recursive: true });
  const file = join(RUN_DIR, 'seeded-cpu');
  writeFileSync(file, '0');
  const seeded = seededShare > 0;
  await using before = await Side.start({ name: 'base', root, profile, runDir: join(RUN_DIR, 'base') });
  await using after = await Side.start({
    ...{ name: 'head', root: ROOT, profile, runDir: join(RUN_DIR, 'head') },
    ...(seeded && { seededCpuFile: file }),
  });
  const measured = await measure(before, after, {
    ...{ flows: judged, seconds: Number(values.seconds), seed, progress },
    ...(seeded && { seededCpu: { share: seededShare, file } }),
  });
  return {
    ...{ profile, date: new Date().toISOString(), base, head: `${revisionOf('HEAD')}${isDirty() ? '+changes' : ''}` },
    ...measured,
    without_base: flows.filter((flow) => !judged.includes(flow)),
    services: profile === 'micronode' ? ['micronode'] : ['gateway', 'omnigate', 'index', 'storage', 'mailbox'],
  };
}

function print(recording: Recording, verdicts: readonly Verdict[], failing: readonly Verdict[]): void {
  const { base, head, profile, machine, flows, without_base: skipped } = recording;
  const rounds = Object.values(flows)[0]?.head.length ?? 0;
  const lines = [
    '',
    `${profile}: ${head} against ${base}, ${rounds} pairs a flow, on ${machine.cores} cores of ${machine.cpu}`,
    ...verdicts.map(({ rule, flow, word, fails, told }) => {
      const mark = !fails ? '  ' : failing.some((one) => one.rule === rule && one.flow === flow) ? '✗ ' : 'w ';
      return `  ${mark}${rule.padEnd(13)} ${(flow ?? '').padEnd(8)} ${word.padEnd(12)} ${told}`;
    }),
    ...skipped.map((flow) => `    ${flow}: not judged, the base has no route for it`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** Whether it passes. */
async function gate(options: RunOptions): Promise<boolean> {
  const { waivers } = WaiverFile.parse(JSON.parse(readFileSync(WAIVERS, 'utf8')));
  const over = expired(waivers, new Date().toISOString().slice(0, 10));
  const recording = await record(options);
  const verdicts = judge(recording);
  const failing = unwaived(verdicts, options.profile, waivers);
  print(recording, verdicts, failing);
  const now = baselineOf(recording);
  const kept = readBaseline(options.profile);
  if (kept !== undefined) process.stdout.write(`${besideBaseline(now, kept).join('\n')}\n`);
  if (values['write-baseline']) writeBaseline(now);
  mkdirSync(values.report, { recursive: true });
  const report = JSON.stringify({ recording, verdicts, failing }, null, 2);
  for (const file of [
    join(values.report, `${options.profile}.json`),
    ...(values.json === undefined ? [] : [values.json]),
  ])
    writeFileSync(file, `${report}\n`);
  for (const { rule, flow, expires } of over)
    process.stdout.write(
      `The waiver of ${rule} ${flow ?? ''} ended on ${expires}: mend it or take it out of ${WAIVERS}.\n`,
    );
  return failing.length === 0 && over.length === 0;
}

/** Nothing changed must pass, and the seeded rise must be caught: each three times. */
async function prove(profile: GateProfile): Promise<boolean> {
  const base = revisionOf('HEAD');
  let [passed, caught] = [0, 0];
  for (let proof = 1; proof <= PROOFS; proof += 1) {
    if (await gate({ base, profile, seed: proof, seededShare: 0 })) passed += 1;
    if (!(await gate({ base, profile, seed: proof, seededShare: SEEDED_SHARE }))) caught += 1;
    process.stdout.write(
      `\nafter ${proof}: nothing changed passed ${passed} times, the rise was caught ${caught} times\n`,
    );
  }
  return passed === PROOFS && caught === PROOFS;
}

await endWith(async () => {
  const profile = profileOf(values.profile);
  const base = values.base === undefined ? defaultBase() : revisionOf(values.base);
  const seededShare = Number(values['seed-cpu']) / 100;
  const passes = values.prove
    ? await prove(profile)
    : await gate({ base, profile, seed: Number(values.seed), seededShare });
  if (!passes) process.exitCode = 1;
});
