import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startNode } from '@macronode/service';
import { afterEach, describe, expect, it } from 'vitest';
import { BootedGateway, GATEWAY_ENV } from '../booted-gateway.ts';
import { gatewayService } from '../index.ts';
import { MeshFolder } from './mesh-folder-fixture.ts';

let gateway: BootedGateway | undefined;
afterEach(async () => {
  await gateway?.close();
  gateway = undefined;
});

const ADMIN = [
  ['GET', '/admin/mesh/peers'],
  ['GET', '/admin/mesh/claims'],
  ['POST', '/admin/mesh/claims'],
  ['DELETE', '/admin/mesh/claims/waf_reputation/127.0.0.1'],
  ['GET', '/admin/mesh/standings/127.0.0.1'],
  ['POST', '/admin/mesh/reload'],
] as const;

describe('a gateway without a mesh', () => {
  it('shows its counters and gauges as 0', async () => {
    gateway = new BootedGateway();
    await gateway.start();
    const text = await (await gateway.ops('/metrics')).text();
    const shown = text.split('\n').filter((line) => /^(mesh_|lean_|audit_)/.test(line));
    const names = new Set(shown.map((line) => /^\w+/.exec(line)?.[0]));
    for (const name of [
      'mesh_claims_emitted_total',
      'mesh_claims_received_total',
      'mesh_claims_dropped_total',
      'mesh_score_lookups_total',
      'mesh_gossip_bytes_in_total',
      'mesh_gossip_bytes_out_total',
      'lean_gossip_mesh_peers',
      'lean_gossip_mesh_running',
      'lean_connected_peers',
      'lean_peer_connection_events_total',
      'lean_peer_disconnection_events_total',
      'mesh_command_dropped_total',
    ]) {
      expect(names, name).toContain(name);
    }
    const values = shown.filter((line) => !/^lean_node_/.test(line)).map((line) => Number(line.split(' ').at(-1)));
    expect(new Set(values)).toEqual(new Set([0]));
  });

  it('says so to operators, and has nothing else for them', async () => {
    gateway = new BootedGateway();
    await gateway.start();
    expect(await gateway.admin('GET', '/admin/mesh')).toMatchObject([200, { enabled: false, node_id: null }]);
    for (const [method, path] of ADMIN) {
      expect(await gateway.admin(method, path), path).toMatchObject([404, { error: { reason: 'mesh_off' } }]);
    }
  });
});

/** Starts the gateway in a process of its own, and answers what that has loaded and how many threads it started. */
async function loadedBy(env: Readonly<Record<string, string>>): Promise<{ modules: string[]; threads: number }> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./loaded-modules-fixture.ts', import.meta.url))], {
    env: { ...process.env, ...GATEWAY_ENV, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.on('data', (piece: Buffer) => (out += piece.toString()));
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect(code).toBe(0);
  return JSON.parse(out) as { modules: string[]; threads: number };
}

const NETWORK = /\/(libp2p|@libp2p|@multiformats|@chainsafe)\/|\/packages\/mesh\/dist\/network\//;

describe('what a gateway loads', () => {
  it('is nothing of the network, and no thread, while the mesh is off', async () => {
    const { modules, threads } = await loadedBy({ MESH: 'false' });
    expect(modules.some((url) => url.includes('/apps/gateway/dist/module.js'))).toBe(true);
    expect(modules.filter((url) => NETWORK.test(url))).toEqual([]);
    expect(threads).toBe(0);
  });

  it('is a thread while the mesh is on, and the network in there alone', async () => {
    using folder = new MeshFolder('a');
    const { modules, threads } = await loadedBy(folder.env('a'));
    expect(modules.filter((url) => NETWORK.test(url))).toEqual([]);
    expect(threads).toBe(1);
  });
});

describe('a start is refused', () => {
  const start = (env: Readonly<Record<string, string>>): Promise<unknown> =>
    startNode({ services: [gatewayService], profile: 'micronode', env: { ...GATEWAY_ENV, ...env } });

  it.each([
    [{ MESH: 'true' }, 'MESH_TRUST is not set'],
    [{ MESH_ENFORCE: 'true' }, 'MESH is off'],
    [{ MESH_AUDIT: '/tmp/audit.log' }, 'AUDIT_HMAC_KEY is not'],
    [{ MESH_QUORUM: '1' }, 'MESH_QUORUM must be from 2'],
    [{ MESH_SCORE_HEADER: 'storage,nobody' }, 'MESH_SCORE_HEADER'],
    [{ MESH_PEERS: Array.from({ length: 65 }, (_, n) => `h${n}:1`).join(',') }, 'MESH_PEERS'],
  ])('with %o', async (env, message) => {
    await expect(start(env)).rejects.toThrow(message);
  });

  it('with a key file that is damaged, a trust list that is, or none', async () => {
    using folder = new MeshFolder('a');
    await expect(start({ ...folder.env('a'), MESH_TRUST: folder.file('none') })).rejects.toThrow('cannot be read');
    writeFileSync(folder.trust, 'not a line of it\n');
    await expect(start(folder.env('a'))).rejects.toThrow('line 1');
    folder.believe('a');
    writeFileSync(folder.file('a.key'), 'no key', { mode: 0o600 });
    await expect(start(folder.env('a'))).rejects.toThrow('a.key');
  });
});
