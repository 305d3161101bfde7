// npm run perf:gate: the working tree against a base revision, both on this machine and in turn.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { FLOW_NAMES, type FlowName } from '../k6/flows/flows.ts';
import { ROOT } from './bootstrap.mjs';
import { provideBase, provideTree, type Revision, SAME } from './perf-gate/base.ts';
import { baselineOf, besideBaseline, writeBaseline } from './perf-gate/baseline.ts';
import { type GateOptions, record } from './perf-gate/gate.ts';
import { judge, type Judgement } from './perf-gate/judgement.ts';
import { PROFILES, recordingText } from './perf-gate/recording.ts';
import { table, writeReport } from './perf-gate/report.ts';
import { readWaivers } from './perf-gate/waivers.ts';
import { StageFailed } from './stages.ts';
import { endWith } from './verb.ts';

/** Ten pairs or so of each of the eight flows. A gate that takes longer is a gate people wait for. */
const SECONDS_DEFAULT = 300;
const PROOF_RUNS = 3;
const SEED_DEFAULT = 1;
const PROOF_CPU_PERCENT = 15;
/** Exit code of a run that was stopped. */
const SIGNALLED = 130;

const { values } = parseArgs({
  options: {
    base: { type: 'string' },
    tree: { type: 'string' },
    profile: { type: 'string', default: 'micronode' },
    flows: { type: 'string' },
    seconds: { type: 'string', default: String(SECONDS_DEFAULT) },
    seed: { type: 'string', default: String(SEED_DEFAULT) },
    json: { type: 'string' },
    report: { type: 'string', default: join(ROOT, '.run', 'perf-gate') },
    waivers: { type: 'string', default: join(ROOT, 'k6', 'baselines', 'waivers.json') },
    'seed-cpu': { type: 'string', default: '0' },
    'write-baseline': { type: 'boolean', default: false },
    prove: { type: 'boolean', default: false },
  },
});

const say = (line: string): void => void process.stderr.write(`> ${line}\n`);

function chosen<Name extends string>(flag: string, names: readonly Name[], text: string): Name[] {
  return text.split(',').map((part) => {
    const name = names.find((known) => known === part.trim());
    if (name === undefined) throw new Error(`--${flag}: there is no '${part}'; there are ${names.join(', ')}`);
    return name;
  });
}

function numberOf(flag: 'seconds' | 'seed' | 'seed-cpu', least: number): number {
  const number = Number(values[flag]);
  if (!Number.isFinite(number) || number < least) throw new Error(`--${flag} takes a number from ${least} on`);
  return number;
}

function options(): Omit<GateOptions, 'base' | 'tree'> {
  const [profile = 'micronode'] = chosen('profile', PROFILES, values.profile);
  const flows: readonly FlowName[] =
    values.flows === undefined ? FLOW_NAMES : chosen('flows', FLOW_NAMES, values.flows);
  return {
    profile,
    flows,
    seconds: numberOf('seconds', 10),
    seed: numberOf('seed', 0),
    seededCpuPercent: numberOf('seed-cpu', 0),
    say,
  };
}

const titleOf = ({ revision, reason }: Revision): string =>
  `${revision.replace(/^([0-9a-f]{12})[0-9a-f]{28}$/, '$1')} (${reason})`;

async function runGate(gate: GateOptions): Promise<Judgement> {
  say(`${titleOf(gate.tree)} against ${titleOf(gate.base)}, ${gate.profile}`);
  const recording = await record(gate);
  const judgement = judge(recording, readWaivers(values.waivers, new Date()));
  process.stdout.write(`\n${table(judgement, process.stdout.isTTY)}`);
  const baseline = baselineOf(recording);
  process.stdout.write(`\n${besideBaseline(baseline)}\n`);
  if (values['write-baseline']) writeBaseline(baseline);
  if (values.json !== undefined) writeFileSync(values.json, recordingText(recording));
  writeReport(values.report, recording, judgement);
  return judgement;
}

/** The gate on trial: it must pass a tree against itself, and catch the same tree made dearer. */
async function prove(gate: Omit<GateOptions, 'base'>): Promise<void> {
  const base = await provideBase(SAME, gate.tree, say);
  const right = { same: 0, seeded: 0 };
  for (let run = 1; run <= PROOF_RUNS; run += 1) {
    for (const kind of ['same', 'seeded'] as const) {
      say(
        `proof ${run} of ${PROOF_RUNS}: ${kind === 'same' ? 'the tree against itself' : `${PROOF_CPU_PERCENT} % more CPU per request`}`,
      );
      const seededCpuPercent = kind === 'same' ? 0 : PROOF_CPU_PERCENT;
      const { cells, passes } = await runGate({ ...gate, base, seed: gate.seed + run, seededCpuPercent });
      const caught = cells.some(({ rule, outcome }) => rule === 'cpu' && outcome === 'fails');
      if (kind === 'same' ? passes : caught) right[kind] += 1;
    }
  }
  process.stdout.write(
    `\nThe tree against itself passed ${right.same}/${PROOF_RUNS}; ` +
      `${PROOF_CPU_PERCENT} % more CPU per request was caught ${right.seeded}/${PROOF_RUNS}.\n`,
  );
  if (right.same < PROOF_RUNS || right.seeded < PROOF_RUNS)
    throw new StageFailed('The gate is not to be trusted here.');
}

// Leaving at once is enough: what was started ends with us.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(SIGNALLED));

await endWith(async () => {
  const gate = { ...options(), tree: await provideTree(values.tree, say) };
  if (values.prove) return prove(gate);
  const { passes } = await runGate({ ...gate, base: await provideBase(values.base, gate.tree, say) });
  if (!passes) process.exitCode = 1;
});
