// A registry under test in a process of its own: alone on a Redis with its own port, or inside of a micronode.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { appCommand } from '../../bootstrap.mjs';
import { freePort } from '../../ports.ts';
import { readinessOf } from '../../rig/readiness.ts';
import { type SignerGroup, SIGNERS_UNBOUND } from '../../rig/registry-signers.ts';

const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 12_000;
const PROBE_MS = 4;

export interface NodeWish {
  readonly app: 'registry' | 'micronode';
  readonly group: SignerGroup;
  /** Where genesis and log file go. */
  readonly folder: string;
  /** Undefined for a node that keeps nothing. */
  readonly dataDir: string | undefined;
  /** A registry alone needs one. */
  readonly redisUrl?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Milliseconds from the start of the process. */
export interface ReadyTimes {
  readonly reads: number;
  readonly writes: number;
}

export class RegistryNode implements AsyncDisposable {
  /** Its public face: the registry's own port, or the gateway of the micronode. */
  readonly url: string;
  readonly ops: string;
  readonly group: SignerGroup;
  readonly ready: ReadyTimes;
  readonly #child: ChildProcess;

  private constructor(wish: NodeWish, ports: { url: string; ops: string }, child: ChildProcess, ready: ReadyTimes) {
    this.url = ports.url;
    this.ops = ports.ops;
    this.group = wish.group;
    this.#child = child;
    this.ready = ready;
  }

  static async start(wish: NodeWish): Promise<RegistryNode> {
    const [port, opsPort] = [await freePort(), await freePort()];
    mkdirSync(wish.folder, { recursive: true });
    const log = openSync(join(wish.folder, 'node.log'), 'a');
    const [program, ...args] = appCommand(wish.app);
    const startedAt = performance.now();
    const child = spawn(program, args, {
      stdio: ['ignore', log, log],
      env: {
        ...process.env,
        ...(wish.app === 'registry'
          ? { BUS_LINK: 'redis', REDIS_URL: wish.redisUrl ?? '', REGISTRY_PORT: String(port) }
          : { PORT: String(port) }),
        ...{ HTTP_HOST: '127.0.0.1', REGISTRY_HTTP_HOST: '127.0.0.1', OPS_PORT: String(opsPort), NODE_ID: 'bench' },
        ...{ DATA_DIR: wish.dataDir ?? '', LOG_LEVEL: 'warn', ...SIGNERS_UNBOUND },
        REGISTRY_GENESIS: wish.group.writeGenesis(join(wish.folder, 'genesis.json')),
        ...wish.env,
      },
    });
    closeSync(log);
    const ports = { url: `http://127.0.0.1:${port}`, ops: `http://127.0.0.1:${opsPort}` };
    try {
      return new RegistryNode(wish, ports, child, await readyTimes(ports.ops, child, startedAt, wish.folder));
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Open descriptors, and how many it may open. */
  descriptors(): { readonly open: number; readonly limit: number } {
    const limits = readFileSync(`/proc/${this.pid}/limits`, 'utf8');
    const limit = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.NaN);
    return { open: readdirSync(`/proc/${this.pid}/fd`).length, limit };
  }

  /** Gone when it resolves. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill(signal);
    const deadline = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await gone;
    clearTimeout(deadline);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGTERM');
  }
}

/** Asks /readyz until it takes writes. Throws with the end of its log when the process ends before. */
async function readyTimes(ops: string, child: ChildProcess, startedAt: number, folder: string): Promise<ReadyTimes> {
  let reads: number | undefined;
  const deadline = startedAt + READY_TIMEOUT_MS;
  while (performance.now() < deadline) {
    if (child.exitCode !== null)
      throw new Error(`the node ended.\n${readFileSync(join(folder, 'node.log'), 'utf8').slice(-2_000)}`);
    const state = await readinessOf(ops);
    const now = performance.now() - startedAt;
    if (state?.ready === true) reads ??= now;
    if (state?.write_ready === true && reads !== undefined) return { reads, writes: now };
    await delay(PROBE_MS);
  }
  throw new Error(
    `the node was not ready after ${READY_TIMEOUT_MS / 1_000} s: ${(await readinessOf(ops))?.missing.join(', ') ?? 'no answer'}`,
  );
}
