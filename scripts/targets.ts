// The nodes the e2e tests run against: each is started on free ports, waited for, and stopped by process id.
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SERVICES } from '@macronode/contracts';
import { appCommand, ROOT } from './bootstrap.mjs';
import { meshEnvironment, prepareMesh } from './compose-mesh.ts';
import { borrowListenMigration } from './listen-migration.ts';
import { opsPortOffsets, planProcesses, type PlanOptions, registryPorts } from './plan.ts';
import { answersOk, poll } from './poll.ts';
import { freePort, freePortBase } from './ports.ts';
import { startProcesses, stopProcesses } from './processes.ts';
import { type OwnRedis, startRedis } from './redis.ts';
import { isAlive, isStill, redisPid, signal, stateFile, writeState, type RunState } from './run-state.ts';
import { runProgram, StageFailed } from './stages.ts';

const READY_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 12_000;
/** Two of each that may run more than once: a test suite that knew only one would miss what replicas break. */
const REPLICAS: Replicas = { gateway: 2, omnigate: 2 };
const COMPOSE_PROJECT = 'macronode-e2e';

/** Turns on the admin routes of the nodes the tests start themselves. */
export const E2E_ADMIN_TOKEN = 'admin-token-of-an-e2e-run';

export type TargetKind = 'micronode' | 'processes' | 'compose';
export const TARGET_KINDS: readonly TargetKind[] = ['micronode', 'processes', 'compose'];

/** A running node, and how to stop it. */
export interface RunningTarget extends AsyncDisposable {
  readonly state: RunState;
  /** The file the tests read process ids from. */
  readonly control: string;
}

type Replicas = PlanOptions['replicas'];

export interface TargetOptions {
  /** A micronode that keeps its data in a folder; without it everything is in memory. */
  readonly onDisk?: boolean;
  /** Processes of a macronode. */
  readonly replicas?: Replicas;
  /** A Redis that whoever starts the macronode brings and ends, and where its processes find it. */
  readonly redis?: { readonly own: OwnRedis; readonly url: string };
  /** Settings of every process. Of these an engine of containers takes what its compose file passes on. */
  readonly env?: Readonly<Record<string, string>>;
  /** Two gateways that form a mesh: of a target of containers, which has one and none otherwise. */
  readonly mesh?: boolean;
  /** Tells nodes of one process apart. */
  readonly label?: string;
}

export function startTarget(kind: TargetKind, options: TargetOptions = {}): Promise<RunningTarget> {
  const { onDisk = false, label = '' } = options;
  const runDir = freshRunDir(`${kind}${label}`);
  switch (kind) {
    case 'micronode':
      return startMicronode(runDir, onDisk ? join(runDir, 'data') : undefined, options);
    case 'processes':
      return startMacronode(runDir, options);
    case 'compose':
      return startCompose(runDir, options);
  }
}

/** A folder of this run under .run/e2e. Logs stay for reading until the next run, whatever came out. */
function freshRunDir(name: string): string {
  const parent = join(ROOT, '.run', 'e2e');
  mkdirSync(parent, { recursive: true });
  for (const old of readdirSync(parent)) {
    const pid = Number(old.split('-').at(-1));
    if (!isAlive(pid)) rmSync(join(parent, old), { recursive: true, force: true });
  }
  const runDir = join(parent, `${name}-${process.pid}`);
  mkdirSync(join(runDir, 'logs'), { recursive: true });
  return runDir;
}

async function startMicronode(
  runDir: string,
  dataDir: string | undefined,
  { env = {} }: TargetOptions,
): Promise<RunningTarget> {
  const [port, opsPort] = [await freePort(), await freePort()];
  const log = join(runDir, 'logs', 'micronode.log');
  const output = openSync(log, 'a');
  const [program, ...args] = appCommand('micronode');
  const child = spawn(program, args, {
    cwd: ROOT,
    stdio: ['ignore', output, output],
    env: {
      ...process.env,
      PORT: String(port),
      OPS_PORT: String(opsPort),
      DATA_DIR: dataDir ?? '',
      ADMIN_TOKEN: E2E_ADMIN_TOKEN,
      GATEWAY_ECHO: 'true',
      ...env,
    },
  });
  closeSync(output);
  const ops = `http://127.0.0.1:${opsPort}`;
  const state: RunState = {
    target: 'micronode',
    url: `http://127.0.0.1:${port}`,
    ops: Object.fromEntries(SERVICES.map((service) => [service, [ops]])),
    processes: [{ service: 'micronode', index: 0, pid: child.pid, status: 'ready', restarts: 0, ops, log }],
    dataDir,
  };
  const stop = async (): Promise<void> => {
    await stopChild(child);
    if (dataDir !== undefined) rmSync(dataDir, { recursive: true, force: true });
  };
  try {
    await poll('the micronode', READY_TIMEOUT_MS, () => {
      if (child.exitCode !== null)
        throw new StageFailed(`The micronode ended.\n${readFileSync(log, 'utf8').slice(-4_000)}`);
      return answersOk(`${ops}/readyz`);
    });
  } catch (error) {
    await stop();
    throw error;
  }
  const control = stateFile(runDir);
  writeState(control, state);
  return running(control, state, stop);
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const deadline = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(deadline);
}

async function startMacronode(
  runDir: string,
  { replicas = REPLICAS, redis: brought, env = {} }: TargetOptions,
): Promise<RunningTarget> {
  const dataDir = join(runDir, 'data');
  // Redis is not the supervisor's here: the outage tests stop and start it themselves.
  const redis = brought?.own ?? (await startRedis({ dir: join(dataDir, 'redis') }));
  const httpPort = await freePort();
  const plan = planProcesses({
    replicas,
    opsPortBase: await freePortBase(opsPortOffsets(replicas)),
    httpPort,
    registryPort: await freeRegistryPort(replicas),
    redisUrl: brought?.url ?? redis.url,
    dataDir,
    nodeId: 'e2e',
    echo: true,
  }).map((planned) => ({ ...planned, env: { ...planned.env, ADMIN_TOKEN: E2E_ADMIN_TOKEN, ...env } }));
  const returnSetting = borrowListenMigration();
  const stop = async (): Promise<void> => {
    returnSetting();
    await stopProcesses(runDir);
    if (brought === undefined) await stopRedis(redis);
    rmSync(dataDir, { recursive: true, force: true });
  };
  try {
    const url = `http://127.0.0.1:${httpPort}`;
    const state = await startProcesses({ runDir, url, plan, dataDir, redis: redis.process });
    return running(stateFile(runDir), state, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Free for the registry and for those that follow it. */
async function freeRegistryPort(replicas: Replicas): Promise<number> {
  const offsets = registryPorts(replicas, 0);
  return offsets.length === 1 ? freePort() : freePortBase(offsets);
}

async function stopRedis(redis: OwnRedis): Promise<void> {
  await redis.stop();
  const restarted = redisPid(redis.process);
  if (isStill(restarted, String(redis.process.port))) signal(restarted, 'SIGKILL');
}

async function startCompose(runDir: string, { env: wanted = {}, mesh = false }: TargetOptions): Promise<RunningTarget> {
  const names = [
    'GATEWAY_PORT',
    'GATEWAY_MESH_PORT',
    'GATEWAY_2_PORT',
    'GATEWAY_2_OPS_PORT',
    'GATEWAY_2_MESH_PORT',
    'REGISTRY_PORT',
    'PROMETHEUS_PORT',
    'ALERTMANAGER_PORT',
    ...SERVICES.map((service) => `${service.toUpperCase()}_OPS_PORT`),
  ];
  const ports: Record<string, string> = {};
  for (const name of names) ports[name] = String(await freePort());
  const env = {
    ...(mesh ? meshEnvironment(runDir) : {}),
    ...wanted,
    ...ports,
    COMPOSE_PROFILES: mesh ? 'mesh' : '',
    OTEL_EXPORTER_OTLP_ENDPOINT: '',
    GATEWAY_ECHO: 'true',
    COMPOSE_PROJECT_NAME: COMPOSE_PROJECT,
  };
  const stop = async (): Promise<void> => {
    await runProgram(
      ['docker', 'compose', '--progress', 'quiet', 'down', '--volumes', '--remove-orphans', '--timeout', '15'],
      { env },
    );
  };
  try {
    if (mesh) await prepareMesh(env);
    await runProgram(
      ['docker', 'compose', '--progress', 'quiet', 'up', '--wait', '--detach', '--build', '--quiet-pull'],
      { env },
    );
  } catch (error) {
    await runProgram(['docker', 'compose', 'logs', '--tail', '40'], { env });
    await stop();
    throw error;
  }
  const at = (name: string): string => `http://127.0.0.1:${ports[name] ?? ''}`;
  const state: RunState = {
    target: 'compose',
    url: at('GATEWAY_PORT'),
    ...(mesh && {
      meshed: ['GATEWAY', 'GATEWAY_2'].map((one) => ({ url: at(`${one}_PORT`), ops: at(`${one}_OPS_PORT`) })),
    }),
    registryUrl: at('REGISTRY_PORT'),
    ops: Object.fromEntries(SERVICES.map((service) => [service, [at(`${service.toUpperCase()}_OPS_PORT`)]])),
    processes: [],
  };
  const control = stateFile(runDir);
  writeState(control, state);
  return running(control, state, stop);
}

/** A run that ends early takes what it started with it: what has a pid here is told to stop and not waited for. */
function running(control: string, state: RunState, stop: () => Promise<void>): RunningTarget {
  const pids = [state.supervisorPid ?? state.processes[0]?.pid, state.redis?.pid];
  const abandon = (): void => {
    for (const pid of pids) if (pid !== undefined && isAlive(pid)) signal(pid, 'SIGTERM');
  };
  process.once('exit', abandon);
  return {
    state,
    control,
    [Symbol.asyncDispose]: async () => {
      process.off('exit', abandon);
      await stop();
    },
  };
}
