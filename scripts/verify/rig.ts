// The macronode the verification breaks: a process per service without a supervisor, so that what is killed stays dead.
import { mkdirSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import type { ServiceName } from '@macronode/contracts';
import { FAULT_NAMES, type FaultName } from '../../grafana/faults.ts';
import { ruleFiles } from '../../grafana/rules/files.ts';
import type { RuleClock } from '../../grafana/rules/clock.ts';
import type { ToxicNetwork } from '../../packages/bus/src/redis/toxic-network-fixture.ts';
import { ROOT } from '../bootstrap.mjs';
import { opsPortOffsets, planProcesses } from '../plan.ts';
import { freePort, freePortBase } from '../ports.ts';
import { type OwnPrometheus, startPrometheus } from '../prometheus.ts';
import type { OwnRedis } from '../redis.ts';
import { BusProbe } from '../rig/bus-probe.ts';
import { OwnDisk } from '../rig/own-disk.ts';
import { RedisBehindProxy } from '../rig/redis-behind-proxy.ts';
import { SignerGroup } from '../rig/registry-signers.ts';
import { RigProcess, RigProcesses } from '../rig/rig-process.ts';
import { RigMesh } from './mesh/rig-mesh.ts';
import { RigWitness } from './witness.ts';

/** Weeks in half a day: the fast page fires within seconds, and every window still holds four scrapes. */
const VERIFY_CLOCK: RuleClock = Object.freeze({ windowSeconds: 12 * 3_600, scrapeSeconds: 1 });

/** Few enough to be exhausted by one test client. */
const GATEWAY_DESCRIPTORS = 400;
const GATEWAY_CONNECTIONS = 350;
const GATEWAY_INFLIGHT = 64;
/** Below the 56 writes the gate admits, so that this bound is reached too; above the bound of the alert on the gate. */
const MAILBOX_WAITERS = 53;
/** A majority: three of seven would be told of all the time. */
const SIGNERS = { n: 7, m: 4 };
const ADMIN_TOKEN = 'admin-token-of-the-verification';

/** What runs while panels, alerts and runbook are verified. */
export interface Rig extends AsyncDisposable {
  /** Base URL of the gateway. */
  readonly url: string;
  /** Base URL of the registry's own port. */
  readonly registryUrl: string;
  /** Who may approve what the log takes. */
  readonly signers: SignerGroup;
  readonly witness: RigWitness;
  readonly mesh: RigMesh;
  /** Base URL of the gateway's ops port, and the token of its admin routes. */
  readonly opsUrl: string;
  readonly adminToken: string;
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
    const medium = stack.use(await RedisBehindProxy.start());
    const { redis, network } = medium;
    const [httpPort, registryPort] = [await freePort(), await freePort()];
    const signers = SignerGroup.make(SIGNERS);
    const witness = stack.use(new RigWitness(await freePort()));
    await witness.start();
    const mesh = stack.use(new RigMesh(join(runDir, 'mesh'), { gateway: await freePort(), peer: await freePort() }));
    await mesh.startPeer();
    const genesis = signers.writeGenesis(join(runDir, 'genesis.json'));
    const plan = planProcesses({
      replicas: {},
      opsPortBase: await freePortBase(opsPortOffsets({})),
      httpPort,
      registryPort,
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
        REGISTRY_GENESIS: genesis,
        REGISTRY_WITNESSES: witness.setting,
        ADMIN_TOKEN,
        ...(planned.service === 'gateway' ? mesh.settings : {}),
      },
    }));
    const limited = (service: ServiceName): readonly string[] =>
      service === 'gateway' ? ['prlimit', `--nofile=${GATEWAY_DESCRIPTORS}`] : [];
    const processes = stack.use(
      new RigProcesses(plan.map((planned) => new RigProcess(planned, logDir, limited(planned.service)))),
    );
    await processes.start();
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
      registryUrl: `http://127.0.0.1:${registryPort}`,
      signers,
      witness,
      mesh,
      opsUrl: processes.of('gateway').planned.opsUrl,
      adminToken: ADMIN_TOKEN,
      prometheus,
      network,
      redis,
      dataDir,
      storageDisk,
      process: (service) => processes.of(service),
      probe,
      amnesiaOpsPort,
      show: (fault) => exporter.show(fault),
      redisPid: () => medium.pid(),
      startRedisAgain: () => medium.startAgain(),
      [Symbol.asyncDispose]: () => running.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}
