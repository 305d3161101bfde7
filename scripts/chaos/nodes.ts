// The nodes scenarios break. Each is whole when it is handed out, and may be used again once it is whole again.
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SentinelGroup } from '../../packages/bus/src/redis/redis-sentinel-fixture.ts';
import { freePort } from '../ports.ts';
import { redisProgram } from '../redis.ts';
import { OwnDisk } from '../rig/own-disk.ts';
import { readinessOf } from '../rig/readiness.ts';
import { RedisBehindProxy } from '../rig/redis-behind-proxy.ts';
import { RiggedSigners } from '../rig/registry-signers.ts';
import { RigProcess, RigProcesses } from '../rig/rig-process.ts';
import { readState, stateFile } from '../run-state.ts';
import { startTarget } from '../targets.ts';
import { type MeshedNode, startMeshedNode } from './meshed-node.ts';
import { described, DISK_OWNERS, type DiskOwner, folders, type Node, planOn, RUN_DIR } from './node-ground.ts';
import { StepClock } from './step-clock.ts';

/** One process per service, nobody to start them again, on a Redis behind a proxy; storage, mailbox and registry on disks of their own. */
export interface ProcessesNode extends Node {
  readonly processes: RigProcesses;
  readonly medium: RedisBehindProxy;
  disk(service: DiskOwner): OwnDisk;
}

/** The same, with a wall clock for all processes that can be set. Reading it takes long: nothing else is measured here. */
export interface ClockedNode extends ProcessesNode {
  readonly clock: StepClock;
}

/** One process per service on a primary, a replica and a Sentinel. */
export interface SentinelNode extends Node {
  readonly group: SentinelGroup;
}

/** Two gateways, two omnigates and one of each other service, kept running by the supervisor. */
export interface SupervisedNode extends Node {
  readonly runDir: string;
}

export interface Nodes {
  readonly processes: ProcessesNode;
  readonly clocked: ClockedNode;
  readonly sentinel: SentinelNode;
  readonly supervised: SupervisedNode;
  readonly meshed: MeshedNode;
}
export type NodeKind = keyof Nodes;

export function startNodeOf<K extends NodeKind>(kind: K): Promise<Nodes[K]>;
export function startNodeOf(kind: NodeKind): Promise<Node> {
  switch (kind) {
    case 'processes':
      return startProcessesNode(kind, {});
    case 'clocked':
      return startClockedNode();
    case 'sentinel':
      return startSentinelNode();
    case 'supervised':
      return startSupervisedNode();
    case 'meshed':
      return startMeshedNode();
  }
}

/** True when every process says it takes reads and writes. */
export async function isWhole(node: Node): Promise<boolean> {
  const states = await Promise.all(node.everyOps.map((ops) => readinessOf(ops)));
  return states.every((state) => state?.ready === true && state.write_ready);
}

async function startClockedNode(): Promise<ClockedNode> {
  mkdirSync(RUN_DIR, { recursive: true });
  const clock = StepClock.create(join(RUN_DIR, `clock-${process.pid}`));
  return { ...(await startProcessesNode('clocked', clock.env)), clock };
}

async function startProcessesNode(kind: NodeKind, env: Readonly<Record<string, string>>): Promise<ProcessesNode> {
  const { dataDir, logDir } = folders(kind);
  await using stack = new AsyncDisposableStack();
  const disks = new Map(
    DISK_OWNERS.map((service) => {
      const folder = join(dataDir, service);
      mkdirSync(folder);
      const disk = OwnDisk.mount(folder);
      if (disk === undefined) throw new Error('npm run chaos needs root on Linux: it mounts disks of its own.');
      return [service, stack.use(disk)] as const;
    }),
  );
  const medium = stack.use(await RedisBehindProxy.start());
  const signers = stack.use(RiggedSigners.make());
  const registryPort = await freePort();
  const plan = (await planOn({ redisUrl: medium.network.url, dataDir, registryPort })).map((planned) => ({
    ...planned,
    env: { ...planned.env, ...signers.env, ...env },
  }));
  const processes = stack.use(new RigProcesses(plan.map((planned) => new RigProcess(planned, logDir))));
  await processes.start();
  const running = stack.move();
  return {
    ...described(processes),
    processes,
    medium,
    registryUrl: `http://127.0.0.1:${registryPort}`,
    genesis: signers.genesis,
    signers: signers.group,
    disk: (service) => {
      const disk = disks.get(service);
      if (disk === undefined) throw new Error(`${service} has no disk of its own`);
      return disk;
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function startSentinelNode(): Promise<SentinelNode> {
  const { dataDir, logDir } = folders('sentinel');
  process.env['REDIS_SERVER'] ??= redisProgram();
  await using stack = new AsyncDisposableStack();
  const group = await SentinelGroup.start();
  stack.defer(() => group.dispose());
  const signers = stack.use(RiggedSigners.make());
  const registryPort = await freePort();
  const plan = (await planOn({ redisUrl: group.url, dataDir, registryPort })).map((planned) => ({
    ...planned,
    env: { ...planned.env, ...signers.env },
  }));
  const processes = stack.use(new RigProcesses(plan.map((planned) => new RigProcess(planned, logDir))));
  await processes.start();
  const running = stack.move();
  return {
    ...described(processes),
    group,
    registryUrl: `http://127.0.0.1:${registryPort}`,
    genesis: signers.genesis,
    signers: signers.group,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function startSupervisedNode(): Promise<SupervisedNode> {
  await using stack = new AsyncDisposableStack();
  const signers = stack.use(RiggedSigners.make());
  const { state, control } = stack.use(await startTarget('processes', { env: signers.env }));
  const now = (): typeof state => readState(control) ?? state;
  const running = stack.move();
  return {
    url: state.url,
    fronts: [state.url],
    registryUrl: state.url,
    genesis: signers.genesis,
    signers: signers.group,
    pids: () => now().processes.flatMap(({ pid }) => (pid === undefined ? [] : [pid])),
    ops: (service) => state.ops[service] ?? [],
    everyOps: Object.values(state.ops).flat(),
    runDir: dirname(control),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** The state the supervisor writes down. */
export const supervisedState = ({ runDir }: SupervisedNode): NonNullable<ReturnType<typeof readState>> => {
  const state = readState(stateFile(runDir));
  if (state === undefined) throw new Error('no supervisor runs');
  return state;
};

/** Largest resident set of these processes now, in MiB. */
export function residentMib(pids: readonly number[]): number {
  return Math.max(0, ...pids.map((pid) => residentOf(pid)));
}

function residentOf(pid: number): number {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kib ?? 0) / 1_024;
  } catch {
    // It ended a moment ago.
    return 0;
  }
}
