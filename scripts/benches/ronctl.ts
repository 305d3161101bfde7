import { execFileSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashBytes } from '@macronode/content';
import type { CaseResult, Flags, Outcome, SelfRunningBench } from '../bench-harness.ts';
import { pinnedNode, ROOT } from '../bootstrap.mjs';
import { requireProgram } from '../programs.ts';
import { startTarget } from '../targets.ts';

const WARM_UP_RUNS = 3;
const OBJECT_BYTES = 4_096;
const MS_PER_SECOND = 1_000;
const MICROS_PER_SECOND = 1_000_000;
/** What every command pays before its first line of ours. */
const FLOOR = 'node without a program';

interface Command {
  readonly name: string;
  readonly args: readonly string[];
}

/** What `hyperfine --export-json` writes of one command, in seconds. */
interface Timed {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly user: number;
  readonly system: number;
  readonly times: readonly number[];
}

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

function commands(url: string, ops: string, dir: string): readonly Command[] {
  const bytes = randomBytes(OBJECT_BYTES);
  const file = join(dir, 'object');
  writeFileSync(file, bytes);
  const ronctl = (...args: readonly string[]): readonly string[] => [
    join(ROOT, 'apps', 'ronctl', 'bin', 'ronctl.js'),
    '--url',
    url,
    ...args,
  ];
  const topic = `bench-${randomUUID().slice(0, 8)}`;
  return [
    { name: FLOOR, args: ['--eval', '0'] },
    { name: '--help', args: ronctl('--help') },
    { name: 'status', args: ronctl('--ops', ops, 'status') },
    { name: 'put 4 KiB', args: ronctl('put', file) },
    { name: 'get 4 KiB', args: ronctl('get', hashBytes(bytes)) },
    { name: 'mailbox send', args: ronctl('mailbox', 'send', topic, '--payload', 'hello') },
  ];
}

const rounded = (value: number): number => Number(value.toPrecision(4));

function resultOf({ name }: Command, { median, min, max, user, system, times }: Timed): CaseResult {
  const [medianMs = 0, minMs = 0, maxMs = 0] = [median, min, max].map((seconds) => rounded(seconds * MS_PER_SECOND));
  return {
    ...{ case: name, unit: 'ms', runs: times.length, median: medianMs, min: minMs, max: maxMs },
    cpu_us: { client: rounded((user + system) * MICROS_PER_SECOND) },
  };
}

async function measure(flags: Flags): Promise<Outcome> {
  const hyperfine = requireProgram('hyperfine');
  await using target = await startTarget('micronode');
  const dir = mkdtempSync(join(tmpdir(), 'macronode-ronctl-'));
  try {
    const all = commands(target.state.url, target.state.ops['gateway']?.[0] ?? '', dir);
    const json = join(dir, 'hyperfine.json');
    const lines = all.map(({ args }) => [pinnedNode(), ...args].map(quoted).join(' '));
    const counts = ['--warmup', String(WARM_UP_RUNS), '--runs', String(flags['times'])];
    execFileSync(hyperfine, ['--shell=none', '--style=none', ...counts, '--export-json', json, ...lines], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const { results } = JSON.parse(readFileSync(json, 'utf8')) as { readonly results: readonly Timed[] };
    const cases = results.map((timed, at) => resultOf(all[at] ?? { name: '?', args: [] }, timed));
    const floor = cases.find((one) => one.case === FLOOR)?.median ?? NaN;
    const ratios = cases
      .filter((one) => one.case !== FLOOR)
      .map((one) => [`${one.case} / node`, rounded(one.median / floor)]);
    for (const one of cases) process.stdout.write(`  ${one.case.padEnd(24)} ${one.median.toFixed(0).padStart(6)} ms\n`);
    return { cases, ratios: Object.fromEntries(ratios) as Record<string, number> };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** What somebody at a terminal waits for: whole commands, from start to exit, against a node in memory. */
export const ronctl: SelfRunningBench = {
  summary: 'commands of ronctl from start to exit, timed by hyperfine',
  flags: { times: { type: 'string', default: '30' } },
  run: measure,
};
