// One of the two nodes that are compared: the processes of a revision, and what is read of them.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { FlowName } from '../../k6/flows/flows.ts';
import { pinnedNode } from '../bootstrap.mjs';
import { LoadLoop } from '../load/load-loop.ts';
import { residentBytesOf, watchCpu } from '../measure/cpu.ts';
import { opsPortOffsets, planProcesses } from '../plan.ts';
import { answersOk, poll } from '../poll.ts';
import { freePort, freePortBase } from '../ports.ts';
import { startRedis } from '../redis.ts';
import type { GateProfile } from './samples.ts';

const READY_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 12_000;
/** Where data goes: a disk's moods would decide, and objects kept in memory would hide what the node itself takes. */
const MEMORY_DISK = '/dev/shm';
export const USERS = 32;

interface Planned {
  readonly app: string;
  readonly opsUrl: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface SideOptions {
  readonly name: 'base' | 'head';
  /** Folder of the revision. */
  readonly root: string;
  readonly profile: GateProfile;
  readonly runDir: string;
  /** Says how many microseconds each request is made dearer. */
  readonly seededCpuFile?: string;
}

/** Whether a revision serves a flow: those that came later need a route it has not. */
export function serves(root: string, flow: FlowName): boolean {
  if (flow !== 'echo') return true;
  return /^ {2}echo: route\(/m.test(readFileSync(join(root, 'packages', 'contracts', 'src', 'routes.ts'), 'utf8'));
}

async function planOf(
  { root, profile }: SideOptions,
  redisUrl: string,
  dataDir: string,
): Promise<[string, readonly Planned[]]> {
  const httpPort = await freePort();
  const common = {
    ...(serves(root, 'echo') && { GATEWAY_ECHO: 'true' }),
  };
  const url = `http://127.0.0.1:${httpPort}`;
  if (profile === 'micronode') {
    const opsPort = await freePort();
    const env = { ...common, PORT: String(httpPort), OPS_PORT: String(opsPort), DATA_DIR: dataDir };
    return [url, [{ app: 'micronode', opsUrl: `http://127.0.0.1:${opsPort}`, env }]];
  }
  const plan = planProcesses({
    replicas: {},
    opsPortBase: await freePortBase(opsPortOffsets({})),
    httpPort,
    redisUrl,
    dataDir,
    nodeId: 'gate',
  });
  return [url, plan.map(({ service, opsUrl, env }) => ({ app: service, opsUrl, env: { ...env, ...common } }))];
}

async function heapFlagsOf(root: string): Promise<readonly string[]> {
  const start = (await import(pathToFileURL(join(root, 'scripts', 'bootstrap.mjs')).href)) as {
    HEAP_FLAGS?: readonly string[];
  };
  return start.HEAP_FLAGS ?? [];
}

export class Side implements AsyncDisposable {
  readonly name: SideOptions['name'];
  readonly loop: LoadLoop;
  readonly opsUrls: readonly string[];
  readonly #pids: readonly { readonly name: string; readonly pid: number }[];
  readonly #stack: AsyncDisposableStack;

  private constructor(
    name: SideOptions['name'],
    loop: LoadLoop,
    opsUrls: readonly string[],
    pids: readonly { readonly name: string; readonly pid: number }[],
    stack: AsyncDisposableStack,
  ) {
    this.name = name;
    this.loop = loop;
    this.opsUrls = opsUrls;
    this.#pids = pids;
    this.#stack = stack;
  }

  static async start(options: SideOptions): Promise<Side> {
    const { name, root, profile, runDir, seededCpuFile } = options;
    rmSync(runDir, { recursive: true, force: true });
    mkdirSync(runDir, { recursive: true });
    await using stack = new AsyncDisposableStack();
    const dataDir = mkdtempSync(join(existsSync(MEMORY_DISK) ? MEMORY_DISK : runDir, 'macronode-gate-'));
    stack.defer(() => rmSync(dataDir, { recursive: true, force: true }));
    const redis = profile === 'macronode' ? stack.use(await startRedis({ appendOnly: false })) : undefined;
    const [url, plan] = await planOf(options, redis?.url ?? '', dataDir);
    const flags = [...(await heapFlagsOf(root))];
    const seed = join(import.meta.dirname, 'seeded-cpu.mjs');
    const pids: { name: string; pid: number }[] = redis === undefined ? [] : [{ name, pid: redis.process.pid }];
    for (const { app, opsUrl, env } of plan) {
      const isEdge = app === 'micronode' || app === 'gateway';
      const seeded = seededCpuFile !== undefined && isEdge;
      const log = openSync(join(runDir, `${app}.log`), 'a');
      const args = [...flags, ...(seeded ? ['--import', seed] : []), join(root, 'apps', app, 'dist', 'main.js')];
      const child = spawn(pinnedNode(), args, {
        cwd: root,
        stdio: ['ignore', log, log],
        env: { ...process.env, ...env, ...(seeded && { SEEDED_CPU_FILE: seededCpuFile }) },
      });
      closeSync(log);
      stack.defer(() => ended(child));
      await poll(`${app} of ${name}`, READY_TIMEOUT_MS, () => {
        if (child.exitCode !== null)
          throw new Error(
            `${app} of ${name} ended.\n${readFileSync(join(runDir, `${app}.log`), 'utf8').slice(-2_000)}`,
          );
        return answersOk(`${opsUrl}/readyz`);
      });
      pids.push({ name, pid: child.pid ?? 0 });
    }
    const loop = stack.use(await LoadLoop.start(url, { users: USERS }));
    const opsUrls = plan.map(({ opsUrl }) => opsUrl);
    return new Side(name, loop, opsUrls, pids, stack.move());
  }

  /** Starts counting CPU of the node and its Redis; what it answers ends it, with microseconds and the share of others. */
  watchCpu(): () => { readonly micros: number; readonly foreignShare: number } {
    const end = watchCpu(this.#pids);
    return () => {
      const { micros, foreignShare } = end();
      return { micros: micros[this.name] ?? 0, foreignShare };
    };
  }

  residentMib(): number {
    return this.#pids.reduce((sum, { pid }) => sum + residentBytesOf(pid), 0) / 1024 ** 2;
  }

  /** The metrics of all its ops ports, one after the other. */
  async metrics(): Promise<string> {
    const texts = this.opsUrls.map(async (url) => (await fetch(`${url}/metrics`)).text());
    return (await Promise.all(texts)).join('\n');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const deadline = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await gone;
  clearTimeout(deadline);
}
