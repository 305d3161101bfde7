// npm run up: the macronode as separate processes on this machine.
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from './bootstrap.mjs';
import { isListenMigrationOn, LISTEN_MIGRATION_ADVICE } from './listen-migration.ts';
import {
  MESH_PORT,
  meshPorts,
  OPS_PORT_BASE,
  parseReplicas,
  type PlanOptions,
  planProcesses,
  REGISTRY_PORT,
  registryPorts,
} from './plan.ts';
import { poll } from './poll.ts';
import { freePort, freePortBase, isPortFree } from './ports.ts';
import { replaceProcesses, runningState, startProcesses, statusTable, stopProcesses } from './processes.ts';
import { endWith } from './verb.ts';

const WATCH_INTERVAL_MS = 200;

const { values } = parseArgs({
  options: {
    replicas: { type: 'string', default: '' },
    data: { type: 'string' },
    port: { type: 'string', default: process.env['PORT'] ?? '8080' },
    'registry-port': { type: 'string', default: process.env['REGISTRY_PORT'] ?? String(REGISTRY_PORT) },
    'ops-port-base': { type: 'string', default: String(OPS_PORT_BASE) },
    redis: { type: 'string', default: process.env['REDIS_URL'] ?? '' },
    echo: { type: 'boolean', default: false },
    detach: { type: 'boolean', default: false },
    status: { type: 'boolean', default: false },
    restart: { type: 'boolean', default: false },
    'run-dir': { type: 'string', default: join(ROOT, '.run') },
  },
});
const runDir = resolve(values['run-dir']);

await endWith(values.status ? showStatus : values.restart ? restart : up);

async function showStatus(): Promise<void> {
  const state = runningState(runDir);
  process.stdout.write(state === undefined ? 'Nothing runs; npm run up starts it.\n' : `${statusTable(state)}\n`);
  if (state === undefined) process.exitCode = 1;
}

/** Replaces every process in turn, so that no request fails. */
async function restart(): Promise<void> {
  const state = await replaceProcesses(runDir);
  if (state === undefined) throw new Error('Nothing runs; npm run up starts it.');
  if (!isListenMigrationOn()) process.stderr.write(`> ${LISTEN_MIGRATION_ADVICE}\n`);
  process.stdout.write(`${statusTable(state)}\n`);
}

async function up(): Promise<void> {
  const running = runningState(runDir);
  if (running !== undefined) throw new Error(`It runs already; npm run down stops it.\n\n${statusTable(running)}`);
  const httpPort = Number(values.port);
  if (!(await isPortFree(httpPort)))
    throw new Error(`Port ${httpPort} is taken; choose another: npm run up -- --port N`);
  const replicas = parseReplicas(values.replicas);
  const registryPort = await portOfRegistry(Number(values['registry-port']), replicas);
  const dataDir = resolve(values.data ?? join(runDir, 'data'));
  const own = values.redis === '' ? { dir: join(dataDir, 'redis'), port: await freePort() } : undefined;
  const url = `http://127.0.0.1:${httpPort}`;
  const plan = planProcesses({
    replicas,
    opsPortBase: Number(values['ops-port-base']),
    httpPort,
    registryPort,
    redisUrl: own === undefined ? values.redis : `redis://127.0.0.1:${own.port}`,
    dataDir,
    nodeId: process.env['NODE_ID'] ?? 'local',
    echo: values.echo,
    mesh: await planMesh(replicas),
  });
  const state = await startProcesses({ runDir, url, plan, dataDir, ...(own === undefined ? {} : { ownRedis: own }) });
  process.stdout.write(`${statusTable(state)}\n\n`);
  if (values.detach) {
    process.stdout.write('npm run up -- --status shows this table again; npm run down stops everything.\n');
    return;
  }
  process.stdout.write('Ctrl-C stops everything.\n');
  await untilStopped();
}

/** The one asked for; a free one for 0. */
async function portOfRegistry(port: number, replicas: PlanOptions['replicas']): Promise<number> {
  if (port === 0) return freePortBase(registryPorts(replicas, 0));
  for (const taken of registryPorts(replicas, port)) {
    if (!(await isPortFree(taken)))
      throw new Error(`Port ${taken} is taken; choose another for the registry: npm run up -- --registry-port N`);
  }
  return port;
}

/** Of the mesh only what differs from gateway to gateway: the rest is told by the environment, which every process has. */
async function planMesh(replicas: PlanOptions['replicas']): Promise<PlanOptions['mesh']> {
  const { MESH, MESH_PORT: asked = String(MESH_PORT), MESH_PEERS: peers = '' } = process.env;
  if (MESH === undefined) return undefined;
  const port = Number(asked);
  return { port: port === 0 ? await freePortBase(meshPorts(replicas, 0)) : port, peers };
}

/** Stays until a signal, or until the supervisor is gone. */
async function untilStopped(): Promise<void> {
  const signals = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => signals.abort());
  const over = (): boolean => signals.signal.aborted || runningState(runDir) === undefined;
  await poll('a signal', Number.POSITIVE_INFINITY, over, WATCH_INTERVAL_MS);
  if (!signals.signal.aborted) process.stdout.write('It was stopped from elsewhere.\n');
  await stopProcesses(runDir);
}
