// One of the two nodes that are compared: the processes of one working tree on ports of their own.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SERVICES } from '@macronode/contracts';
import { planProcesses } from '../plan.ts';
import { answersOk, poll } from '../poll.ts';
import { freePort, freePortBase } from '../ports.ts';
import { type OwnRedis, startRedis } from '../redis.ts';
import { signal } from '../run-state.ts';
import type { Profile } from './recording.ts';

const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 12_000;
const LOG_SHOWN_CHARS = 4_000;
/** The load stores as much as it can; a store in memory that fills up would refuse, which is not what is compared. */
const STORE_BYTES = 8 * 1024 ** 3;

/** A node under comparison. */
export interface Side extends AsyncDisposable {
  readonly name: 'A' | 'B';
  readonly url: string;
  readonly ops: readonly string[];
  /** Without Redis. */
  readonly pids: readonly number[];
  readonly redisPid: number | undefined;
  /** Has each request cost this much more; only where it was started for that. */
  spinEachRequest(micros: number): void;
}

export interface SideOptions {
  readonly name: 'A' | 'B';
  /** Root of a built working tree. */
  readonly root: string;
  readonly profile: Profile;
  /** Logs and data of this side; what is there is removed. */
  readonly runDir: string;
  /** Whether its requests can be made dearer. */
  readonly seeded: boolean;
  /** What its registry is told of its signers, where it has one. */
  readonly signers: Readonly<Record<string, string>>;
}

type Bootstrap = typeof import('../bootstrap.mjs');

interface Start {
  readonly service: string;
  readonly ops: string;
  readonly env: Readonly<Record<string, string>>;
}

export async function startSide(options: SideOptions): Promise<Side> {
  rmSync(options.runDir, { recursive: true, force: true });
  mkdirSync(options.runDir, { recursive: true });
  const port = await freePort();
  const redis = options.profile === 'macronode' ? await startRedis({ dir: join(options.runDir, 'redis') }) : undefined;
  const starts = redis === undefined ? [await micronode(port)] : await macronode(options, port, redis);
  const children: ChildProcess[] = [];
  // However we end, no node is left behind.
  const abandon = (): void => {
    for (const child of children) child.kill('SIGKILL');
    if (redis !== undefined) signal(redis.process.pid, 'SIGKILL');
  };
  process.once('exit', abandon);
  const stop = async (): Promise<void> => {
    // Front to back: nobody is asked for something its dependency can no longer give.
    for (const child of [...children].reverse()) await stopChild(child);
    await redis?.stop();
    process.off('exit', abandon);
  };
  try {
    for (const start of starts)
      children.push(spawnService(options, start, await commandOf(options.root, start.service)));
    await Promise.all(starts.map((start, at) => untilReady(options, start, children[at])));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    name: options.name,
    url: `http://127.0.0.1:${port}`,
    ops: starts.map(({ ops }) => ops),
    pids: children.flatMap(({ pid }) => pid ?? []),
    redisPid: redis?.process.pid,
    spinEachRequest: (micros) => {
      for (const child of children) if (child.connected) child.send({ spinMicros: micros });
    },
    [Symbol.asyncDispose]: stop,
  };
}

async function micronode(port: number): Promise<Start> {
  const opsPort = await freePort();
  const env = {
    PORT: String(port),
    OPS_PORT: String(opsPort),
    DATA_DIR: '',
    STORAGE_MEMORY_BYTES: String(STORE_BYTES),
  };
  return { service: 'micronode', ops: `http://127.0.0.1:${opsPort}`, env };
}

async function macronode({ name, root, runDir }: SideOptions, httpPort: number, redis: OwnRedis): Promise<Start[]> {
  const opsPortBase = await freePortBase(SERVICES.map((_, at) => at));
  const dataDir = join(runDir, 'data');
  const plan = planProcesses({
    replicas: {},
    opsPortBase,
    httpPort,
    redisUrl: redis.url,
    dataDir,
    nodeId: `node-${name.toLowerCase()}`,
  });
  // A tree from before a service runs without it.
  const built = plan.filter(({ service }) => existsSync(join(root, 'apps', service, 'dist', 'main.js')));
  return built.map(({ service, opsUrl, env }) => ({ service, ops: opsUrl, env }));
}

const logOf = ({ runDir }: SideOptions, service: string): string => join(runDir, `${service}.log`);

/** The Node and the flags a tree starts its services with are part of what is compared; older ones know no flags. */
async function commandOf(root: string, service: string): Promise<readonly [string, ...string[]]> {
  const tree = (await import(pathToFileURL(join(root, 'scripts', 'bootstrap.mjs')).href)) as Partial<Bootstrap> &
    Pick<Bootstrap, 'pinnedNode'>;
  return tree.appCommand?.(service) ?? [tree.pinnedNode(), join(root, 'apps', service, 'dist', 'main.js')];
}

/** A tree from before a setting refuses to start with it. */
function settings({ root, signers }: SideOptions): Readonly<Record<string, string>> {
  const gateway = readFileSync(join(root, 'apps', 'gateway', 'src', 'config.ts'), 'utf8');
  return {
    // The route of the echo flow is off unless asked for.
    ...(gateway.includes('GATEWAY_ECHO') ? { GATEWAY_ECHO: 'true' } : {}),
    ...(existsSync(join(root, 'apps', 'registry', 'src', 'config.ts')) ? signers : {}),
  };
}

function spawnService(
  options: SideOptions,
  { service, env }: Start,
  command: readonly [string, ...string[]],
): ChildProcess {
  const log = openSync(logOf(options, service), 'a');
  const spin = options.seeded && ['micronode', 'gateway'].includes(service);
  const preload = spin ? ['--import', new URL('spin.mjs', import.meta.url).href] : [];
  const [program, ...args] = command;
  const child = spawn(program, [...preload, ...args], {
    cwd: options.root,
    stdio: ['ignore', log, log, ...(spin ? (['ipc'] as const) : [])],
    env: { ...process.env, HTTP_HOST: '127.0.0.1', LOG_LEVEL: 'warn', ...settings(options), ...env },
  });
  closeSync(log);
  return child;
}

async function untilReady(
  options: SideOptions,
  { service, ops }: Start,
  child: ChildProcess | undefined,
): Promise<void> {
  await poll(`${service} of ${options.name}`, READY_TIMEOUT_MS, () => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) {
      const end = readFileSync(logOf(options, service), 'utf8').slice(-LOG_SHOWN_CHARS);
      throw new Error(`${service} of ${options.name} (${options.root}) ended.\n${end}`);
    }
    return answersOk(`${ops}/readyz`);
  });
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const deadline = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(deadline);
}
