// The macronode the verification breaks: a process per service without a supervisor, so that what is killed stays dead.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import type { ServiceName } from '@macronode/contracts';
import { FAULT_NAMES, type FaultName } from '../../grafana/faults.ts';
import { ruleFiles } from '../../grafana/rules/files.ts';
import type { RuleClock } from '../../grafana/rules/clock.ts';
import { ToxicNetwork } from '../../packages/bus/src/redis/toxic-network-fixture.ts';
import { appCommand, ROOT } from '../bootstrap.mjs';
import { provideGoTool, TOXIPROXY } from '../go-tools.ts';
import { opsPortOffsets, type PlannedProcess, planProcesses } from '../plan.ts';
import { answersOk, poll } from '../poll.ts';
import { freePort, freePortBase } from '../ports.ts';
import { type OwnPrometheus, startPrometheus } from '../prometheus.ts';
import { type OwnRedis, startRedis } from '../redis.ts';
import { redisPid } from '../run-state.ts';
import { BusProbe } from './bus-probe.ts';
import { OwnDisk } from './own-disk.ts';

/** Weeks in half a day: the fast page fires within seconds, and every window still holds four scrapes. */
const VERIFY_CLOCK: RuleClock = Object.freeze({ windowSeconds: 12 * 3_600, scrapeSeconds: 1 });

/** Few enough to be exhausted by one test client. */
const GATEWAY_DESCRIPTORS = 400;
const GATEWAY_CONNECTIONS = 350;
const GATEWAY_INFLIGHT = 64;
/** Below the 56 writes the gate admits, so that this bound is reached too; above the bound of the alert on the gate. */
const MAILBOX_WAITERS = 53;
const READY_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 12_000;

/** A process of the rig, which can be ended, paused and started again by hand. */
export class RigProcess {
  readonly planned: PlannedProcess;
  readonly #log: string;
  #child: ChildProcess | undefined;

  constructor(planned: PlannedProcess, logDir: string) {
    this.planned = planned;
    this.#log = join(logDir, `${planned.service}.log`);
  }

  get service(): ServiceName {
    return this.planned.service;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async start(): Promise<void> {
    if (this.isRunning) return;
    const output = openSync(this.#log, 'a');
    const main = appCommand(this.service);
    const [program, ...args] =
      this.service === 'gateway' ? ['prlimit', `--nofile=${GATEWAY_DESCRIPTORS}`, ...main] : main;
    this.#child = spawn(program ?? '', args, {
      cwd: ROOT,
      stdio: ['ignore', output, output],
      env: { ...process.env, ...this.planned.env },
    });
    closeSync(output);
    const child = this.#child;
    await poll(this.service, READY_TIMEOUT_MS, () => {
      if (child.exitCode !== null)
        throw new Error(`${this.service} ended.\n${readFileSync(this.#log, 'utf8').slice(-2_000)}`);
      return answersOk(`${this.planned.opsUrl}/readyz`);
    });
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  /** Ends it, gently or not, and waits until it is gone. */
  async end(name: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.isRunning) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGCONT');
    child.kill(name);
    const deadline = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await gone;
    clearTimeout(deadline);
  }
}

/** What runs while panels, alerts and runbook are verified. */
export interface Rig extends AsyncDisposable {
  /** Base URL of the gateway. */
  readonly url: string;
  readonly prometheus: OwnPrometheus;
  readonly network: ToxicNetwork;
  readonly redis: OwnRedis;
  readonly dataDir: string;
  readonly storageDisk: OwnDisk | undefined;
  readonly probe: BusProbe;
  /** Where the micronode of one of the faults is scraped. */
  readonly amnesiaOpsPort: number;
  process(service: ServiceName): RigProcess;
  /** Process id of Redis, which changes when it is started again. */
  redisPid(): number;
  /** Starts Redis again on the same data, after it was stopped. */
  startRedisAgain(): void;
  /** What the boards draw as annotations: the fault that is made now. */
  show(fault: FaultName | undefined): void;
}

/** The verification as a target: what it makes, and its own service on the bus. */
async function startExporter(
  probe: BusProbe,
): Promise<{ address: string; server: Server; show(fault?: FaultName): void }> {
  let active: FaultName | undefined;
  const server = createServer((_request, response) => {
    const faults = FAULT_NAMES.map((name) => `fault_active_state{fault="${name}"} ${Number(name === active)}`);
    response.setHeader('Content-Type', 'text/plain; version=0.0.4');
    void probe.registry.render().then((own) => {
      response.end(`${own}# TYPE fault_active_state gauge\n${faults.join('\n')}\n`);
    });
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { address: `127.0.0.1:${port}`, server, show: (fault) => (active = fault) };
}

/** However the verification ends, nothing of it stays: not a process, not a disk. What it was doing fails meanwhile, and may. */
function whenInterrupted(clear: () => Promise<void>): void {
  let clearing = false;
  const stop = (): void => {
    if (clearing) return;
    clearing = true;
    for (const failure of ['uncaughtException', 'unhandledRejection'] as const) process.on(failure, () => undefined);
    void clear().finally(() => process.exit(1));
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
}

/** Starts everything and waits until all of it is ready. */
export async function startRig(): Promise<Rig> {
  const runDir = join(ROOT, '.run', 'verify');
  rmSync(runDir, { recursive: true, force: true });
  const [dataDir, logDir] = [join(runDir, 'data'), join(runDir, 'logs')];
  mkdirSync(join(dataDir, 'storage'), { recursive: true });
  mkdirSync(logDir, { recursive: true });
  const stack = new AsyncDisposableStack();
  let open = stack;
  whenInterrupted(() => open.disposeAsync());
  try {
    const storageDisk = stack.use(OwnDisk.mount(join(dataDir, 'storage')));
    const redis = stack.use(await startRedis());
    process.env['TOXIPROXY_SERVER'] = await provideGoTool(TOXIPROXY);
    const network = await ToxicNetwork.to(redis.url);
    stack.defer(() => network.close());
    const httpPort = await freePort();
    const plan = planProcesses({
      replicas: {},
      opsPortBase: await freePortBase(opsPortOffsets({})),
      httpPort,
      redisUrl: network.url,
      dataDir,
      nodeId: 'verify',
    }).map((planned) => ({
      ...planned,
      env: {
        ...planned.env,
        LOG_LEVEL: 'warn',
        GATEWAY_CONNECTIONS: String(GATEWAY_CONNECTIONS),
        GATEWAY_INFLIGHT: String(GATEWAY_INFLIGHT),
        MAILBOX_WAITERS: String(MAILBOX_WAITERS),
      },
    }));
    const processes = new Map(plan.map((planned) => [planned.service, new RigProcess(planned, logDir)]));
    stack.defer(async () => {
      for (const one of [...processes.values()].reverse()) await one.end('SIGTERM');
    });
    for (const one of processes.values()) await one.start();
    const amnesiaOpsPort = await freePort();
    const probe = stack.use(new BusProbe(network.url));
    await probe.start();
    const exporter = await startExporter(probe);
    stack.defer(() => void exporter.server.close());
    const ops = plan.map(({ service, opsUrl }) => ({ address: new URL(opsUrl).host, service }));
    const own = { address: exporter.address, service: 'verification', job: 'verification' };
    const prometheus = stack.use(
      await startPrometheus({
        targets: [...ops, own, { address: `127.0.0.1:${amnesiaOpsPort}`, service: 'micronode', job: 'amnesia' }],
        scrapeSeconds: VERIFY_CLOCK.scrapeSeconds,
        ruleFiles: ruleFiles(VERIFY_CLOCK),
      }),
    );
    const running = stack.move();
    open = running;
    return {
      url: `http://127.0.0.1:${httpPort}`,
      prometheus,
      network,
      redis,
      dataDir,
      storageDisk,
      process: (service) => {
        const one = processes.get(service);
        if (one === undefined) throw new Error(`the rig runs no ${service}`);
        return one;
      },
      probe,
      amnesiaOpsPort,
      show: (fault) => exporter.show(fault),
      redisPid: () => redisPid(redis.process),
      startRedisAgain: () => {
        const [program, ...args] = redis.process.argv;
        const again = spawn(program, args, { cwd: redis.process.dir, stdio: 'ignore' });
        running.defer(() => void again.kill('SIGKILL'));
      },
      [Symbol.asyncDispose]: () => running.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}
