import { type ChildProcess, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { FLOWS, type FlowName } from '../../k6/flows/flows.ts';
import type { CaseResult, Flags, Goal, Outcome, SelfRunningBench } from '../bench-harness.ts';
import { appCommand } from '../bootstrap.mjs';
import { LoadLoop } from '../load/load-loop.ts';
import { residentBytesOf, watchCpu } from '../measure/cpu.ts';
import { answersOk, poll } from '../poll.ts';
import { freePort } from '../ports.ts';
import { requireProgram } from '../programs.ts';
import { ControlGroup } from '../rig/control-group.ts';

const LIMIT_BYTES = 512 * 1024 ** 2;
/** Of the limit, for objects kept in memory: the process itself takes the rest. */
const OBJECT_BYTES = 128 * 1024 ** 2;
/** 5 % of a core for a thousand operations a second. */
const MICROS_PER_OPERATION_MAX = 50;
/** Operations a second. */
const RATE = 1_000;
const WARM_UP_MS = 10_000;
const WINDOW_MS = 10_000;
const USERS = 32;
const READY_TIMEOUT_MS = 20_000;
const EDGE_FLOWS: readonly FlowName[] = ['mixed', 'names', 'mailbox'];

interface EdgeNode extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
}

/** A micronode on one core, in a memory limit. Its users have the other cores, so that they do not share its caches. */
async function startEdgeNode(): Promise<EdgeNode> {
  const group = ControlGroup.ofMemory(`macronode-edge-${process.pid}`, LIMIT_BYTES);
  const [port, opsPort] = [await freePort(), await freePort()];
  const [program, ...args] = group.command([requireProgram('taskset'), '-c', '0', ...appCommand('micronode')]);
  const env = {
    ...{ PORT: String(port), OPS_PORT: String(opsPort), DATA_DIR: '', LOG_LEVEL: 'warn' },
    STORAGE_MEMORY_BYTES: String(OBJECT_BYTES),
  };
  const child: ChildProcess = spawn(program, args, { stdio: 'ignore', env: { ...process.env, ...env } });
  const dispose = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await gone;
    }
    group.remove();
  };
  try {
    await poll('the micronode', READY_TIMEOUT_MS, () => answersOk(`http://127.0.0.1:${opsPort}/readyz`));
  } catch (error) {
    await dispose();
    throw error;
  }
  return { url: `http://127.0.0.1:${port}`, pid: child.pid ?? 0, [Symbol.asyncDispose]: dispose };
}

async function measureFlow(loop: LoadLoop, node: EdgeNode, flow: FlowName, runs: number): Promise<CaseResult> {
  await loop.run({ flow, ms: WARM_UP_MS, users: USERS });
  const micros: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    const end = watchCpu([{ name: 'micronode', pid: node.pid }]);
    const turnsPerSecond = RATE / FLOWS[flow].requestsPerTurn;
    const { requests, failedRequests } = await loop.run({ flow, ms: WINDOW_MS, turnsPerSecond });
    if (failedRequests > 0) throw new Error(`${flow}: ${failedRequests} of ${requests} requests failed`);
    micros.push((end().micros['micronode'] ?? 0) / requests);
  }
  micros.sort((a, b) => a - b);
  const at = (index: number): number => Number((micros[index] ?? Number.NaN).toFixed(1));
  process.stdout.write(`  ${flow.padEnd(8)} ${at(Math.floor(runs / 2))} µs an operation\n`);
  const spread = { median: at(Math.floor(runs / 2)), min: at(0), max: at(runs - 1), runs };
  return { case: `${flow} at ${RATE}/s`, unit: 'µs CPU/operation', ...spread };
}

async function measure(flags: Flags): Promise<Outcome> {
  if (availableParallelism() < 2) throw new Error('The users need a core of their own: this takes two.');
  const runs = Number(flags['runs']);
  await using node = await startEdgeNode();
  await using loop = await LoadLoop.start(node.url, { users: USERS });
  const cases: CaseResult[] = [];
  for (const flow of EDGE_FLOWS) cases.push(await measureFlow(loop, node, flow, runs));
  const resident = residentBytesOf(node.pid) / 1024 ** 2;
  const goals: Goal[] = [
    {
      ...{ name: 'edge_micros_per_operation', measured: cases[0]?.median ?? NaN },
      ...{ is: 'at most', bound: MICROS_PER_OPERATION_MAX },
    },
    { name: 'edge_resident_mib', measured: Number(resident.toFixed(0)), is: 'at most', bound: LIMIT_BYTES / 1024 ** 2 },
  ];
  return { cases, ratios: {}, goals };
}

/** The small machine: one core, half a gigabyte, nothing on disk. */
export const edge: SelfRunningBench = {
  summary: 'a micronode on one core with 512 MiB: CPU of an operation at a thousand a second',
  run: measure,
};
