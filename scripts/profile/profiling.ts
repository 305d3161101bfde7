// One profile of one service: a node of its own, load on it, and the inspector attached from outside.
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { SERVICES, type ServiceName } from '@macronode/contracts';
import { FLOW_NAMES, type FlowName } from '../../k6/flows/flows.ts';
import { ROOT } from '../bootstrap.mjs';
import { LoadLoop } from '../load/load-loop.ts';
import { watchCpu } from '../measure/cpu.ts';
import { RiggedSigners } from '../rig/registry-signers.ts';
import type { ProcessState, RunState } from '../run-state.ts';
import { E2E_ADMIN_TOKEN, startTarget } from '../targets.ts';
import { attach, INSPECTABLE } from './attach.ts';
import type { CpuProfile } from './cpu-profile.ts';
import { type HeapProfile, withFrames } from './heap-profile.ts';
import type { InspectedProcess } from './inspector.ts';
import { type CpuRecording, recordCpu, recordHeap, type ThreadProfile, treeOf } from './recording.ts';
import type { FlowFigures, ProfileFindings } from './report.ts';
import { SourcePlaces } from './source-places.ts';
import { peaks, watchTasks } from './task-watch.ts';
import { longestTurns } from './turns.ts';

export type ProfiledService = ServiceName | 'micronode';
export const PROFILED: readonly ProfiledService[] = [...SERVICES, 'micronode'];

/** The flows that reach a service; the load goes through them in turn. */
const FLOWS_OF: Readonly<Record<ProfiledService, readonly FlowName[]>> = {
  gateway: ['mixed', 'puts', 'names', 'mailbox'],
  omnigate: ['mixed', 'puts', 'names', 'mailbox'],
  index: ['names'],
  storage: ['mixed', 'puts'],
  mailbox: ['mailbox'],
  registry: ['registry', 'governance'],
  micronode: ['mixed', 'puts', 'names', 'mailbox'],
};

/** Before the profile: the code is compiled, the connections are open, the flows are prepared. */
const WARM_UP_MS = 4_000;
/**
 * Part of the time of the CPU profile that the cost of a request is measured for before, and the heap is sampled for after
 * it: all at once would show each other.
 */
const SIDE_SHARE = 1 / 3;
const TURNS_SHOWN = 3;

export interface ProfilingOptions {
  readonly service: ProfiledService;
  readonly seconds: number;
  readonly users: number;
  readonly flows?: readonly FlowName[] | undefined;
  readonly command: string;
  readonly onStep: (step: string) => void;
}

export interface Profiling {
  readonly findings: ProfileFindings;
  /** By thread; the first is the main one. */
  readonly threads: readonly ThreadProfile[];
  readonly heap: HeapProfile;
}

/** Reads `mixed,puts`. Throws with what is wrong. */
export function parseFlows(text: string): readonly FlowName[] {
  return text.split(',').map((name) => {
    const flow = FLOW_NAMES.find((known) => known === name.trim());
    if (flow === undefined) throw new Error(`--flow: there is no flow '${name}'; there are ${FLOW_NAMES.join(', ')}`);
    return flow;
  });
}

interface Measured {
  readonly state: RunState;
  readonly load: LoadLoop;
  readonly flows: readonly FlowName[];
}

/** One window of each flow, one after another; what each cost. */
async function windows({ state, load, flows }: Measured, ms: number): Promise<readonly FlowFigures[]> {
  const figures: FlowFigures[] = [];
  for (const flow of flows) {
    const processes = state.processes.flatMap(({ service, pid }) =>
      pid === undefined ? [] : [{ name: service, pid }],
    );
    const redis = state.redis === undefined ? [] : [{ name: 'redis', pid: state.redis.pid }];
    const end = watchCpu([...processes, ...redis, { name: 'load', pid: load.pid }]);
    const report = await load.run({ flow, ms: ms / flows.length });
    const { micros, foreignShare } = end();
    const { bench: _, load: __, ...cost } = micros;
    const cpuMicros = Object.fromEntries(Object.entries(cost).map(([name, spent]) => [name, spent / report.requests]));
    const { requests, failedRequests: failed, elapsedMs } = report;
    figures.push({ flow, requests, failed, seconds: elapsedMs / 1_000, cpuMicros, foreignShare });
  }
  return figures;
}

const inRepository = (places: SourcePlaces, { threads, loop }: CpuRecording): CpuRecording => ({
  loop,
  threads: threads.map(({ thread, profile }) => ({
    thread: places.frame({ functionName: '', url: thread, lineNumber: 0, columnNumber: 0 }).url,
    profile: places.profile(profile) satisfies CpuProfile,
  })),
});

async function record(
  inspected: InspectedProcess,
  process: ProcessState,
  measured: Measured,
  { seconds, onStep, ...options }: ProfilingOptions,
): Promise<Profiling> {
  const sideSeconds = Math.ceil(seconds * SIDE_SHARE);
  onStep(`cost of a request, unwatched: ${sideSeconds} s`);
  const flows = await windows(measured, sideSeconds * 1_000);
  onStep(`CPU: ${seconds} s of ${measured.flows.join(', ')}`);
  const tasks = watchTasks(process.ops, E2E_ADMIN_TOKEN);
  const raw = await recordCpu(inspected, async () => {
    await windows(measured, seconds * 1_000);
  });
  const readings = await tasks.stop();
  onStep(`heap: ${sideSeconds} s more`);
  const rawHeap = await recordHeap(inspected, async () => {
    await windows(measured, sideSeconds * 1_000);
  });
  const places = new SourcePlaces(ROOT);
  const { threads, loop } = inRepository(places, raw);
  const [main] = threads;
  if (main === undefined) throw new Error('a process without a main thread');
  const heap = withFrames(rawHeap, (frame) => places.frame(frame));
  const findings: ProfileFindings = {
    ...options,
    date: new Date().toISOString(),
    revision: revision(),
    machine: machine(),
    flows,
    tree: treeOf(options.service, threads),
    loop,
    turns: longestTurns(main.profile, loop.returns, TURNS_SHOWN),
    heap,
    tasks: peaks(readings),
  };
  return { findings, threads, heap };
}

/** The commit the services were built from, and whether they were changed since. */
function revision(): string {
  const git = (...args: readonly string[]): string => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim();
  const changed = git('status', '--porcelain', '--', 'apps', 'packages') !== '';
  return `${git('rev-parse', '--short', 'HEAD')}${changed ? ' with changes' : ''}`;
}

function machine(): string {
  const processors = cpus();
  return `${processors.length} cores of ${processors[0]?.model.trim() ?? 'unknown'}, Node ${process.versions.node}`;
}

/** Starts a node, puts load on it, and profiles the process of the service. What it opens is in `stack`. */
export async function profile(stack: AsyncDisposableStack, options: ProfilingOptions): Promise<Profiling> {
  const { service, users, onStep } = options;
  const flows = options.flows ?? FLOWS_OF[service];
  onStep('starting a node');
  const signers = stack.use(RiggedSigners.make());
  const env = { LOG_LEVEL: 'warn', ...INSPECTABLE, ...signers.env };
  const target =
    service === 'micronode'
      ? await startTarget('micronode', { onDisk: true, env })
      : await startTarget('processes', { replicas: {}, env });
  const { state } = stack.use(target);
  const process = state.processes.find((one) => one.service === service);
  if (process?.pid === undefined) throw new Error(`${service} does not run`);
  const load = stack.use(await LoadLoop.start(state.url, { users, signers: signers.keys }));
  onStep(`warming up: ${WARM_UP_MS / 1_000} s`);
  const measured = { state, load, flows };
  await windows(measured, WARM_UP_MS);
  const inspected = stack.use(await attach(process.pid, process.log));
  return record(inspected, process, measured, options);
}
