import { KeyFileError, NodeKey } from '@macronode/keys';
import { CounterCell, GaugeCell, HistogramCell, MetricsRegistry, type MetricsScope } from '@macronode/metrics';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Claim } from './claims/claim.ts';
import { TrustListError } from './identity/trust-list.ts';
import { MeshStartError, MeshUnavailable } from './mesh-errors.ts';
import { MESH_LIMITS } from './mesh-limits.ts';
import { LOOPBACK } from './network/mesh-fixture.ts';
import { type MeshOptions, type MeshTrace, type OpenMesh, openMesh } from './open-mesh.ts';
import { showMesh, TooManyNetworks } from './show-mesh.ts';

const CLAIM: Claim = { kind: 'waf_reputation', subject: '192.0.2.7', score: 0.5, reason: 'tarpit', ttlS: 600 };

describe('the mesh in its thread', () => {
  let folder: string;
  let trustFile: string;
  const keyFiles: string[] = [];
  const meshes: OpenMesh[] = [];
  const logged: string[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'macronode-mesh-'));
    trustFile = join(folder, 'trust');
    keyFiles.splice(0, 2, join(folder, 'a.key'), join(folder, 'b.key'));
    logged.length = 0;
    trust(2);
  });
  afterEach(async () => {
    await Promise.all(meshes.splice(0).map((mesh) => mesh.close()));
    rmSync(folder, { recursive: true, force: true });
  });

  /** Writes a list of the first nodes. */
  function trust(nodes: number): void {
    const lines = keyFiles.slice(0, nodes).map((file, i) => `node_${i} ${NodeKey.loadOrCreate(file).publicKeyHex}`);
    writeFileSync(trustFile, `${lines.join('\n')}\n`);
  }

  const scopeOf = (registry: MetricsRegistry): MetricsScope => registry.scope({});

  async function opened(at: number, options: Partial<MeshOptions> = {}): Promise<OpenMesh> {
    const mesh = await openMesh({
      scope: scopeOf(new MetricsRegistry()),
      log: (_level, message) => logged.push(message),
      keyFile: keyFiles[at],
      trustFile,
      listen: LOOPBACK,
      peers: [],
      // Scores that stay: how long a test takes must not show in them.
      limits: { halfLifeMs: 1e12 },
      ...options,
    });
    meshes.push(mesh);
    return mesh;
  }

  const portOf = (mesh: OpenMesh): number => Number(/\/tcp\/(\d+)/.exec(mesh.listen[0] ?? '')?.[1]);

  /** Series of a scrape with their values. */
  async function scraped(registry: MetricsRegistry): Promise<ReadonlyMap<string, number>> {
    const lines = (await registry.render()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(
      lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
    );
  }

  const sumOf = (series: ReadonlyMap<string, number>, name: string): number =>
    [...series].reduce((sum, [key, value]) => (key.split('{')[0] === name ? sum + value : sum), 0);

  const within = { timeout: 40_000, interval: 20 };

  it('a claim of one node is in the lookup of the other, and its peers and rounds are shown', async () => {
    const registries = [new MetricsRegistry(), new MetricsRegistry()] as const;
    const traces: MeshTrace[] = [];
    const a = await opened(0, { scope: scopeOf(registries[0]) });
    const tracing = { level: 'claims', trace: (trace: MeshTrace) => void traces.push(trace) } as const;
    const b = await opened(1, { scope: scopeOf(registries[1]), peers: [`127.0.0.1:${portOf(a)}`], tracing });
    expect(a.lookup(CLAIM.subject)).toBeUndefined();
    expect(a.publish(CLAIM)).toBe(true);
    await expect.poll(() => b.lookup(CLAIM.subject)?.header, within).toBe('0.500');
    expect(a.lookup(CLAIM.subject)).toEqual({ score: 0.5, header: '0.500', sources: 1 });
    expect(b.publish(CLAIM)).toBe(true);
    await expect.poll(() => a.lookup(CLAIM.subject), within).toEqual({ score: 0.75, header: '0.750', sources: 2 });

    await expect.poll(async () => (await b.peers())[0]?.meshed, within).toBe(true);
    expect(await b.claims({ subject: CLAIM.subject, limit: 10 })).toMatchObject([
      { client: 'node_0' },
      { client: 'node_1' },
    ]);
    await expect.poll(async () => sumOf(await scraped(registries[1]), 'lean_gossip_mesh_peers'), within).toBe(1);
    const series = await scraped(registries[1]);
    expect(series.get('lean_gossip_mesh_peers{client="node_0"}')).toBe(1);
    expect(series.get('lean_connected_peers{client="unknown"}')).toBe(0);
    expect(series.get('lean_gossip_mesh_running')).toBe(1);
    expect(series.get('mesh_claims_emitted_total')).toBe(1);
    await expect.poll(async () => (await scraped(registries[1])).get('mesh_table_claims'), within).toBe(2);
    expect(b.table).toEqual({ claims: 2, subjects: 1 });
    expect(series.get('gossipsub_protocol{protocol="/meshsub/1.2.0"}')).toBe(1);
    await expect
      .poll(() => traces.some(({ rounds }) => rounds[0]?.ok === true && rounds[0].client === 'node_0'), within)
      .toBe(true);
    await expect
      .poll(() => traces.some(({ claims }) => claims.some(({ outcome }) => outcome === 'published')), within)
      .toBe(true);

    await b.close();
    const after = await scraped(registries[1]);
    expect(sumOf(after, 'lean_gossip_mesh_peers') + sumOf(after, 'lean_gossip_mesh_running')).toBe(0);
    expect([...after.keys()].filter((key) => key.startsWith('gossipsub'))).toEqual([]);
    expect(b.publish(CLAIM)).toBe(false);
    expect((await scraped(registries[1])).get('mesh_command_dropped_total{reason="closed"}')).toBe(1);
    await expect(b.peers()).rejects.toThrow(MeshUnavailable);
  }, 120_000);

  it('writes one cell for a publish, one for a lookup that hits, none for one that misses', async () => {
    const mesh = await opened(0);
    mesh.publish(CLAIM);
    await expect.poll(() => mesh.lookup(CLAIM.subject), within).toBeDefined();
    const spies = [
      vi.spyOn(CounterCell.prototype, 'inc'),
      vi.spyOn(GaugeCell.prototype, 'set'),
      vi.spyOn(GaugeCell.prototype, 'inc'),
      vi.spyOn(HistogramCell.prototype, 'observe'),
    ];
    const writes = (): number => spies.reduce((sum, { mock }) => sum + mock.calls.length, 0);
    try {
      mesh.lookup('192.0.2.8');
      expect(writes()).toBe(0);
      mesh.lookup(CLAIM.subject);
      expect(writes()).toBe(1);
      mesh.publish(CLAIM);
      expect(writes()).toBe(2);
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
  });

  it('takes a claim back, and cuts off who left the trust list', async () => {
    const a = await opened(0);
    const b = await opened(1, { peers: [`127.0.0.1:${portOf(a)}`] });
    b.publish(CLAIM);
    await expect.poll(() => a.lookup(CLAIM.subject), within).toBeDefined();
    b.revoke(CLAIM.kind, CLAIM.subject);
    await expect.poll(() => a.lookup(CLAIM.subject), within).toBeUndefined();
    b.publish(CLAIM);
    await expect.poll(() => a.lookup(CLAIM.subject), within).toBeDefined();
    trust(1);
    expect(await a.reload()).toEqual({ result: 'loaded', nodes: 1 });
    await expect.poll(() => a.lookup(CLAIM.subject), within).toBeUndefined();
    expect(await a.peers()).toEqual([]);
    writeFileSync(trustFile, 'nonsense\n');
    expect(await a.reload()).toMatchObject({ result: 'kept', nodes: 1 });
  }, 120_000);

  it('a thread that ends is started again; what was known stays, and counters count on', async () => {
    const registry = new MetricsRegistry();
    const threads: Worker[] = [];
    const seen = (worker: Worker): void => void threads.push(worker);
    process.on('worker', seen);
    const a = await opened(0);
    const b = await opened(1, { scope: scopeOf(registry), peers: [`127.0.0.1:${portOf(a)}`] });
    a.publish(CLAIM);
    await expect.poll(() => b.lookup(CLAIM.subject), within).toBeDefined();
    await threads.at(-1)?.terminate();
    process.off('worker', seen);
    expect(b.running).toBe(false);
    expect(b.lookup(CLAIM.subject)).toBeDefined();
    expect(b.publish(CLAIM)).toBe(false);
    expect(sumOf(await scraped(registry), 'lean_gossip_mesh_peers')).toBe(0);
    await expect.poll(() => b.running, within).toBe(true);
    await expect.poll(async () => (await b.claims({ limit: 1 })).length, within).toBe(1);
    const series = await scraped(registry);
    expect(series.get('mesh_worker_restarts_total')).toBeGreaterThanOrEqual(1);
    expect(series.get('mesh_claims_received_total')).toBe(2);
    expect(series.get('mesh_command_dropped_total{reason="closed"}')).toBe(1);
    expect(logged).toContainEqual(expect.stringContaining('the mesh thread is gone'));
  }, 120_000);

  it('leaves no thread behind when it closes while one is starting again', async () => {
    const registry = new MetricsRegistry();
    const threads: Worker[] = [];
    const seen = (worker: Worker): void => void threads.push(worker);
    process.on('worker', seen);
    const mesh = await opened(0, { scope: scopeOf(registry) });
    await threads[0]?.terminate();
    await expect.poll(() => threads.length, within).toBe(2);
    process.off('worker', seen);
    const { slots } = showMesh(scopeOf(registry));
    const gone = logged.length;
    await mesh.close();
    // A thread that has ended has no number.
    expect(threads.map(({ threadId }) => threadId)).toEqual([-1, -1]);
    expect([slots.used, logged.length]).toEqual([0, gone]);
  }, 120_000);

  it('does what it was given before it closes', async () => {
    const registry = new MetricsRegistry();
    const file = join(folder, 'audit.log');
    const a = await opened(0, { scope: scopeOf(registry), audit: { file, key: Buffer.alloc(32, 7) } });
    for (let i = 0; i < 500; i += 1) a.publish({ ...CLAIM, subject: `10.0.${i >> 8}.${i & 255}` });
    await a.close();
    expect(readFileSync(file, 'utf8').split('"mesh_publish"').length - 1).toBe(500);
    const series = await scraped(registry);
    expect(series.get('mesh_claims_emitted_total')).toBe(500);
    expect(sumOf(series, 'mesh_command_dropped_total')).toBe(0);
  }, 120_000);

  it('does not start with a damaged key, a damaged list, or a port that is taken; nothing is left behind', async () => {
    const registry = new MetricsRegistry();
    const scope = scopeOf(registry);
    const damaged = join(folder, 'damaged.key');
    writeFileSync(damaged, readFileSync(keyFiles[0]!, 'utf8').slice(0, 80), { mode: 0o600 });
    await expect(opened(0, { scope, keyFile: damaged })).rejects.toThrow(KeyFileError);
    const none = join(folder, 'none');
    await expect(opened(0, { scope, trustFile: none })).rejects.toThrow(TrustListError);
    const server = createServer().listen(0, '127.0.0.1');
    const { port } = await new Promise<{ port: number }>((resolve) =>
      server.once('listening', () => resolve(server.address() as { port: number })),
    );
    await expect(opened(0, { scope, listen: { host: '127.0.0.1', port } })).rejects.toThrow(MeshStartError);
    server.close();
    expect(showMesh(scope).slots.used).toBe(0);
    expect(sumOf(await scraped(registry), 'mesh_worker_restarts_total')).toBe(0);
  }, 120_000);

  it('writes the audit log while it is open, with what it published and whom it met', async () => {
    const file = join(folder, 'audit.log');
    const a = await opened(0, { audit: { file, key: Buffer.alloc(32, 7) } });
    const b = await opened(1, { peers: [`127.0.0.1:${portOf(a)}`] });
    a.publish(CLAIM);
    b.publish(CLAIM);
    await expect.poll(() => a.lookup(CLAIM.subject)?.sources, within).toBe(2);
    a.decided('deny', CLAIM.subject, { score: 0.75, header: '0.750', sources: 2 });
    await b.close();
    await expect.poll(async () => (await a.peers()).length, within).toBe(0);
    await a.close();
    const text = readFileSync(file, 'utf8');
    for (const kind of [
      'mesh_publish',
      'mesh_receive',
      'mesh_peer_joined',
      'mesh_peer_dropped',
      'mesh_quorum_decision',
    ]) {
      expect(text).toContain(`"${kind}"`);
    }
  }, 120_000);

  it('has as many networks as slots, and each place is free again', async () => {
    const registry = new MetricsRegistry();
    const metrics = showMesh(scopeOf(registry));
    const figures = { claims: () => 1, subjects: () => 0, queued: () => 0, auditQueued: () => 0 };
    metrics.join(figures).leave();
    const quiet = (await scraped(registry)).size;
    for (let i = 0; i < 50; i += 1) {
      const [one, two] = [metrics.join(figures), metrics.join(figures)];
      metrics.slots.set(one.slot, { meshed: { x: 1 }, connected: {}, clients: [] });
      metrics.slots.set(two.slot, { meshed: { x: 1, y: 1 }, connected: {}, clients: [] });
      expect(metrics.slots.total(one.slot) + metrics.slots.total(two.slot)).toBe(3);
      expect(sumOf(await scraped(registry), 'lean_gossip_mesh_peers')).toBe(3);
      one.leave();
      expect(sumOf(await scraped(registry), 'lean_gossip_mesh_peers')).toBe(2);
      two.leave();
    }
    expect((await scraped(registry)).size).toBe(quiet);
    const places = Array.from({ length: MESH_LIMITS.networks }, () => metrics.join(figures));
    expect(() => metrics.join(figures)).toThrow(TooManyNetworks);
    places.forEach((place) => place.leave());
    expect(metrics.slots.used).toBe(0);
    expect(metrics.slots.total(0) + metrics.slots.total(99) + metrics.slots.total(-1)).toBe(0);
  });
});
