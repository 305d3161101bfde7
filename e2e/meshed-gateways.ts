import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NodeKey } from '@macronode/keys';
import { Client } from './client.ts';
import { until } from './poll.ts';
import { ownRedis } from './target.ts';

/** A gateway that takes part in a mesh. */
export interface MeshedGateway {
  /** Base address of its public port. */
  readonly url: string;
  readonly ops: string;
}

/** Two gateways of one mesh. Each cuts who floods it with malformed requests; only the second enforces scores and tells them. */
export interface MeshedPair extends AsyncDisposable {
  readonly advised: MeshedGateway;
  readonly enforcing: MeshedGateway;
}

const PROGRAM = join(import.meta.dirname, '../apps/gateway/dist/main.js');
const NAMES = ['advised', 'enforcing'] as const;
const STOP_MS = 12_000;
const READY_MS = 30_000;

/** What both are told; the target that is made of containers tells its own the same. */
const FLOODED = { GATEWAY_CLIENT_MALFORMED_RPS: '256', GATEWAY_CUT_MS: '1000' };

/** Those the target has; where it gives a hold on its Redis, two processes beside its own. */
export function meshedGateways(): Promise<MeshedPair> {
  const given = process.env['E2E_MESH'];
  return given === undefined || given === '' ? startPair() : Promise.resolve(pairOf(given));
}

function pairOf(text: string): MeshedPair {
  const [advised, enforcing] = JSON.parse(text) as readonly MeshedGateway[];
  if (advised === undefined || enforcing === undefined) throw new Error('E2E_MESH names no two gateways');
  return { advised, enforcing, [Symbol.asyncDispose]: () => Promise.resolve() };
}

async function startPair(): Promise<MeshedPair> {
  const folder = mkdtempSync(join(tmpdir(), 'macronode-e2e-mesh-'));
  const keyFile = (name: string): string => join(folder, `${name}.key`);
  const trust = join(folder, 'trust.txt');
  const lines = NAMES.map((name) => `${name} ${NodeKey.loadOrCreate(keyFile(name)).publicKeyHex}\n`);
  writeFileSync(trust, lines.join(''));
  const meshPort = await freePort();
  const running: ChildProcess[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(running.map(ended));
    rmSync(folder, { recursive: true, force: true });
  };
  const start = async (name: (typeof NAMES)[number], env: Record<string, string>): Promise<MeshedGateway> => {
    const [port, opsPort] = [await freePort(), await freePort()];
    const child = spawn(process.execPath, [PROGRAM], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        ...process.env,
        ...FLOODED,
        BUS_LINK: 'redis',
        REDIS_URL: ownRedis().url,
        NODE_ID: 'e2e-mesh',
        HTTP_HOST: '127.0.0.1',
        PORT: String(port),
        OPS_PORT: String(opsPort),
        MESH: 'true',
        MESH_HOST: '127.0.0.1',
        MESH_KEY: keyFile(name),
        MESH_TRUST: trust,
        ...env,
      },
    });
    running.push(child);
    const gateway = { url: `http://127.0.0.1:${port}`, ops: `http://127.0.0.1:${opsPort}` };
    await ready(child, gateway);
    return gateway;
  };
  try {
    const advised = await start('advised', { MESH_PORT: String(meshPort) });
    const enforcing = await start('enforcing', {
      MESH_PORT: '0',
      MESH_PEERS: `127.0.0.1:${meshPort}`,
      MESH_ENFORCE: 'true',
      MESH_SCORE_HEADER: 'storage',
    });
    return { advised, enforcing, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const ready = (child: ChildProcess, { ops }: MeshedGateway): Promise<void> =>
  until(
    async () => {
      if (child.exitCode !== null) throw new Error(`the gateway ended with ${child.exitCode}`);
      return (await new Client({ url: ops }).get('/readyz')).status === 200;
    },
    { what: 'a gateway of a mesh to be ready', deadlineMs: READY_MS },
  );

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const deadline = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await exited;
  clearTimeout(deadline);
}

/** A port the system had free a moment ago. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port: 0, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('no port was given'));
        else resolve(address.port);
      });
    });
  });
}
