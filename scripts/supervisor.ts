// Keeps the processes of a macronode running: starts them, restarts what ends, stops them in order. Started by up.ts.
import { spawn, type ChildProcess } from 'node:child_process';
import { copyFileSync, mkdirSync, openSync, closeSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { appCommand, ROOT } from './bootstrap.mjs';
import type { PlannedProcess } from './plan.ts';
import { answersOk, poll } from './poll.ts';
import { startRedis, type OwnRedis, type RedisProcess } from './redis.ts';
import { RestartPolicy } from './restart-policy.ts';
import { stateFile, writeState, type ProcessState, type ProcessStatus, type RunState } from './run-state.ts';

/** A log above this is set aside, and the one before it thrown away: neither a crash loop nor the access log fills the disk. */
const LOG_BYTES_MAX = 64 * 1024 * 1024;
const PROBE_INTERVAL_MS = 250;
/** A stand-in that is not ready by then is left to the ordinary restarts, and the next process has its turn. */
const REPLACE_TIMEOUT_MS = 60_000;
/** Above the drain time of a service, which ends itself by then. */
const STOP_TIMEOUT_MS = 12_000;

/** What up.ts hands over, as a file named on the command line. */
export interface SupervisorOrder {
  readonly runDir: string;
  readonly url: string;
  readonly plan: readonly PlannedProcess[];
  readonly dataDir: string;
  /** A Redis that somebody else looks after, if it is one we know how to start. */
  readonly redis?: RedisProcess;
  /** A Redis of our own, started and stopped with the services. */
  readonly ownRedis?: { readonly dir: string; readonly port: number };
}

class Supervised {
  readonly #planned: PlannedProcess;
  readonly #log: string;
  readonly #changed: () => void;
  readonly #policy = new RestartPolicy();
  #child: ChildProcess | undefined;
  /** Loaded already, and started when the process it replaces has ended. */
  #standIn: ChildProcess | undefined;
  #pause: NodeJS.Timeout | undefined;
  #status: ProcessStatus = 'starting';
  #stopping = false;

  constructor(planned: PlannedProcess, logDir: string, changed: () => void) {
    this.#planned = planned;
    this.#log = join(logDir, `${planned.service}-${planned.index}.log`);
    this.#changed = changed;
  }

  get service(): string {
    return this.#planned.service;
  }

  get state(): ProcessState {
    const { service, index, opsUrl } = this.#planned;
    return {
      service,
      index,
      pid: this.#child?.pid,
      status: this.#status,
      restarts: this.#policy.total,
      ops: opsUrl,
      log: this.#log,
    };
  }

  start(): void {
    this.#watch(this.#spawn(this.#policy.total, false));
  }

  /** Replaces the process by one that is loaded beside it: what calls it waits for as short a time as can be. */
  async replace(): Promise<void> {
    const before = this.#child;
    if (before === undefined || this.#stopping) return;
    const replaced = (): boolean => this.#child !== before && this.#status === 'ready';
    const standIn = this.#spawn(this.#policy.total + 1, true);
    const loaded = await new Promise<boolean>((resolve) => {
      standIn.once('message', () => resolve(true));
      standIn.once('exit', () => resolve(false));
    });
    if (!loaded || before !== this.#child) return void standIn.kill('SIGKILL');
    this.#standIn = standIn;
    before.kill('SIGTERM');
    await poll(`${this.service} to be replaced`, REPLACE_TIMEOUT_MS, replaced).catch(() => undefined);
  }

  #spawn(restarts: number, standIn: boolean): ChildProcess {
    const log = openSync(this.#log, 'a');
    const [program, ...args] = appCommand(this.service);
    const child = spawn(program, args, {
      cwd: ROOT,
      stdio: ['ignore', log, log, ...(standIn ? (['ipc'] as const) : [])],
      env: {
        ...process.env,
        ...this.#planned.env,
        SERVICE_RESTARTS: String(restarts),
        ...(standIn ? { STAND_IN: '1' } : {}),
      },
    });
    closeSync(log);
    return child;
  }

  #watch(child: ChildProcess): void {
    this.#child = child;
    this.#become('starting');
    child.once('exit', (code) => this.#onExit(code));
  }

  /** The process appends to the file it was given, so the file stays and only what is in it moves. */
  #boundLog(): void {
    if ((statSync(this.#log, { throwIfNoEntry: false })?.size ?? 0) <= LOG_BYTES_MAX) return;
    copyFileSync(this.#log, `${this.#log}.1`);
    truncateSync(this.#log);
  }

  /** Asks the service whether it is ready, and bounds its log. */
  async probe(): Promise<void> {
    this.#boundLog();
    const asked = this.#child;
    const ready = asked !== undefined && (await answersOk(`${this.#planned.opsUrl}/readyz`));
    // The process may have ended meanwhile, and its answer with it.
    if (asked === undefined || asked !== this.#child || this.#stopping) return;
    if (ready) this.#become('ready');
    else if (this.#status === 'ready') this.#become('unready');
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#pause);
    this.#standIn?.kill('SIGKILL');
    const child = this.#child;
    if (child !== undefined) {
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGCONT');
      child.kill('SIGTERM');
      const deadline = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await exited;
      clearTimeout(deadline);
    }
    this.#become('stopped');
  }

  #onExit(code: number | null): void {
    this.#child = undefined;
    if (this.#stopping) return;
    const next = this.#policy.next(Date.now(), Math.random());
    const standIn = this.#standIn;
    this.#standIn = undefined;
    if (standIn?.connected === true) {
      standIn.send('start');
      return this.#watch(standIn);
    }
    if (next === 'quarantine') {
      this.#become('quarantined');
      return;
    }
    this.#become('restarting');
    // Whoever was asked to end and did is not failing: its callers wait for it, so it is back at once.
    this.#pause = setTimeout(() => this.start(), code === 0 ? 0 : next);
  }

  #become(status: ProcessStatus): void {
    this.#status = status;
    this.#changed();
  }
}

async function supervise(order: SupervisorOrder): Promise<void> {
  const logDir = join(order.runDir, 'logs');
  mkdirSync(logDir, { recursive: true });
  const file = stateFile(order.runDir);
  let redis: OwnRedis | undefined;
  let last = '';
  const save = (): void => {
    const state: RunState = {
      target: 'processes',
      url: order.url,
      registryUrl: registryUrl(order.plan),
      ops: opsByService(order.plan),
      processes: supervised.map((one) => one.state),
      redis: redis?.process ?? order.redis,
      supervisorPid: process.pid,
      dataDir: order.dataDir,
    };
    const text = JSON.stringify(state);
    if (text !== last) writeState(file, state);
    last = text;
  };
  const supervised = order.plan.map((planned) => new Supervised(planned, logDir, () => save()));

  const stopped = stopSignal();
  const redisPolicy = new RestartPolicy();
  const keepRedis = async ({ dir, port }: { dir: string; port: number }): Promise<void> => {
    redis = await startRedis({ dir, port });
    redis.onExit(() => {
      const pause = redisPolicy.next(Date.now(), Math.random());
      if (!stopped.signalled && pause !== 'quarantine')
        setTimeout(() => void keepRedis({ dir, port }).catch(fail), pause);
    });
    save();
  };
  if (order.ownRedis !== undefined) await keepRedis(order.ownRedis);

  for (const one of supervised) one.start();
  let replacing: Promise<void> | undefined;
  process.on('SIGUSR2', () => {
    replacing ??= replaceAll(supervised).finally(() => (replacing = undefined));
  });
  const probes = setInterval(() => void Promise.all(supervised.map((one) => one.probe())), PROBE_INTERVAL_MS);
  await stopped.promise;
  clearInterval(probes);
  // Front to back: nobody is asked for something its dependency can no longer give.
  for (const group of groupedByService([...supervised].reverse())) await Promise.all(group.map((one) => one.stop()));
  await redis?.stop();
  rmSync(file, { force: true });
}

/** SIGUSR2: every process is replaced, one after another, each ready before the next. */
async function replaceAll(supervised: readonly Supervised[]): Promise<void> {
  for (const one of [...supervised].reverse()) await one.replace();
}

/** Where the registry that writes answers; undefined while only it knows its port. */
function registryUrl(plan: readonly PlannedProcess[]): string | undefined {
  const writer = plan.find(({ service, index }) => service === 'registry' && index === 0);
  const port = Number(writer?.env['REGISTRY_PORT'] ?? 0);
  return port === 0 ? undefined : `http://127.0.0.1:${port}`;
}

function opsByService(plan: readonly PlannedProcess[]): Record<string, string[]> {
  const ops: Record<string, string[]> = {};
  for (const { service, index, opsUrl } of plan) (ops[service] ??= [])[index] = opsUrl;
  return ops;
}

function groupedByService(all: readonly Supervised[]): readonly (readonly Supervised[])[] {
  const groups = new Map<string, Supervised[]>();
  for (const one of all) groups.set(one.service, [...(groups.get(one.service) ?? []), one]);
  return [...groups.values()];
}

function stopSignal(): { readonly promise: Promise<void>; readonly signalled: boolean } {
  let signalled = false;
  const promise = new Promise<void>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
      process.on(name, () => {
        signalled = true;
        resolve();
      });
    }
  });
  return {
    promise,
    get signalled() {
      return signalled;
    },
  };
}

function fail(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
}

const orderFile = process.argv[2];
if (orderFile === undefined) throw new Error('The supervisor is started by npm run up.');
await supervise(JSON.parse(readFileSync(orderFile, 'utf8')) as SupervisorOrder).catch(fail);
