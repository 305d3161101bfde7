import { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { LedgerRun } from '../conformance/conformance-ledger.ts';
import { World } from '../conformance/conformance-world.ts';
import { LedgerProcesses } from './ledger-processes-fixture.ts';
import { RedisProcess, uniqueNamespace, until } from './redis-fixture.ts';
import { reclaimingAfter, redisMedium, TEST_TIMINGS } from './redis-medium-fixture.ts';
import { SentinelGroup } from './redis-sentinel-fixture.ts';
import { ToxicNetwork } from './toxic-network-fixture.ts';

/** `npm test` has each fault once, briefly; at full length (`npm run ci:full`) they last and come again. */
const LONG = process.env['BUS_FAULTS'] === 'long';
const ROUNDS = LONG ? 10 : 2;
const PARTITION_MS = LONG ? 10_000 : 3_000;
const SERVERS = 2;
const MIN_IDLE_MS = 1_000;
const TTL_MS = 5_000;
/** An append-only file that is synced each second may lose as much; Redis promises two seconds at the worst. */
const EVERYSEC_LOSS_MS = 2_000;
/** What a primary had not sent to its replica yet is gone with it. */
const REPLICATION_LOSS_MS = 1_000;
const DURABLE = ['--appendonly', 'yes', '--appendfsync'];

interface Scene {
  readonly redis: RedisProcess;
  readonly network: ToxicNetwork;
  readonly admin: Redis;
  readonly run: LedgerRun;
  readonly processes: LedgerProcesses;
}

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A Redis of the test's own behind a network of its own, and a ledger on it; nothing runs yet. */
async function scene(redisArgs: readonly string[] = []): Promise<Scene> {
  const redis = await RedisProcess.start(redisArgs);
  cleanups.push(() => redis.dispose());
  const network = await ToxicNetwork.to(redis.url);
  cleanups.push(() => network.close());
  const admin = new Redis(redis.url, { retryStrategy: () => 20, maxRetriesPerRequest: null });
  admin.on('error', () => undefined);
  cleanups.push(async () => admin.disconnect());
  const namespace = uniqueNamespace();
  const world = new World((options, metrics) =>
    redisMedium({ url: network.url, adminUrls: [redis.url], namespace }, options, metrics),
  );
  world.medium({ minIdleMs: MIN_IDLE_MS });
  cleanups.push(() => world.close());
  const run = new LedgerRun(world);
  const timings = { ...TEST_TIMINGS, ...reclaimingAfter(MIN_IDLE_MS) };
  const processes = new LedgerProcesses({ url: network.url, namespace, timings, report: run.book });
  run.others = processes;
  cleanups.push(() => processes.close());
  return { redis, network, admin, run, processes };
}

/** The length of a fault, under load. */
function lasting(ms: number): Promise<void> {
  const over = performance.now() + ms;
  return until(() => performance.now() > over, 'the fault is over', 2 * ms);
}

const report = (fault: string, { book }: LedgerRun): void => {
  const errors = [...book.errors].map(([error, count]) => `\n    ${count} × ${error}`).join('');
  process.stdout.write(`  ${fault}: ${book.summary}${errors}\n`);
};

describe('the ledger closes', { timeout: LONG ? 180_000 : 60_000 }, () => {
  it('when every kind of connection is cut', async () => {
    const { network, admin, run } = await scene();
    await run.start(SERVERS, { ttlMs: TTL_MS });
    for (let round = 0; round < ROUNDS; round += 1) {
      await run.load.progress(100);
      const list = String(await admin.client('LIST')).split('\n');
      const victims = list.flatMap((line) => /\bid=(\d+) .*\bname=bus:/.exec(line)?.[1] ?? []);
      expect(victims.length).toBeGreaterThan(0);
      for (const id of victims) await admin.client('KILL', 'ID', id);
      await run.load.progress(100);
      await network.poison('reset_peer', { timeout: 0 });
      await network.heal();
    }
    await run.load.progress(100);
    await run.close();
    report('connections cut', run);
  });

  it('when the network is slow, narrow, and cuts data to pieces', async () => {
    const { network, run } = await scene();
    await run.start(SERVERS, { ttlMs: TTL_MS });
    await network.poison('latency', { latency: 20, jitter: 10 });
    await network.poison('slicer', { average_size: 1_500, size_variation: 500, delay: 10 });
    await network.poison('bandwidth', { rate: 20_000 });
    await run.load.progress(100 * ROUNDS, 60_000);
    await network.heal();
    await run.load.progress(100);
    await run.close();
    report('slow network', run);
  });

  it('when the network swallows everything for a while', async () => {
    const { network, run } = await scene();
    await run.start(SERVERS, { ttlMs: TTL_MS });
    await run.load.progress(100);
    await network.poison('timeout', { timeout: 0 });
    await lasting(PARTITION_MS);
    await network.heal();
    await run.load.progress(100, 30_000);
    await run.close();
    report(`partition of ${PARTITION_MS / 1_000} s`, run);
  });

  it('when Redis is killed and has synced every write', async () => {
    const args = [...DURABLE, 'always'];
    const { redis, run } = await scene(args);
    await run.start(SERVERS, { ttlMs: TTL_MS });
    for (let round = 0; round < ROUNDS; round += 1) {
      await run.load.progress(100, 30_000);
      await redis.stop('SIGKILL');
      await redis.run(args);
    }
    await run.load.progress(100, 30_000);
    await run.close();
    report('Redis killed, appendfsync always', run);
  });

  it('when Redis is killed and syncs each second, but for what was admitted in its last moments', async () => {
    const args = [...DURABLE, 'everysec'];
    const { redis, run } = await scene(args);
    await run.start(SERVERS, { ttlMs: TTL_MS });
    await run.load.progress(300);
    const killedAt = performance.now();
    await redis.stop('SIGKILL');
    await redis.run(args);
    const to = performance.now();
    await run.load.progress(100, 30_000);
    await run.close({ work: { from: killedAt - EVERYSEC_LOSS_MS, to }, hints: true });
    report('Redis killed, appendfsync everysec', run);
  });

  it('when Redis comes back empty, but for the work it held', async () => {
    const { redis, run } = await scene();
    await run.start(SERVERS, { ttlMs: TTL_MS });
    await run.load.progress(300);
    await redis.stop('SIGKILL');
    await redis.run();
    const to = performance.now();
    await run.load.progress(100, 30_000);
    await run.close({ work: { from: -Infinity, to }, hints: true });
    report('Redis back empty', run);
  });

  it('when Sentinel changes the primary, but for the work of its last moments', async () => {
    const group = await SentinelGroup.start();
    cleanups.push(() => group.dispose());
    const namespace = uniqueNamespace();
    const world = new World((options, metrics) => redisMedium({ url: group.url, namespace }, options, metrics));
    world.medium({ minIdleMs: MIN_IDLE_MS });
    cleanups.push(() => world.close());
    const run = new LedgerRun(world);
    await run.start(SERVERS, { ttlMs: TTL_MS });
    await run.load.progress(200);
    const from = performance.now() - REPLICATION_LOSS_MS;
    await group.failOver();
    await run.load.progress(100, 30_000);
    const old = await group.primary();
    await old?.stop('SIGKILL');
    await until(async () => (await group.primary()) !== old, 'the replica is the primary', 20_000);
    await run.load.progress(100, 30_000);
    const to = performance.now();
    await run.load.progress(100, 30_000);
    await run.close({ work: { from, to }, hints: true });
    report('failover by Sentinel, planned and by a crash', run);
  });

  it('when server processes are killed', async () => {
    const { run, processes } = await scene();
    for (let i = 0; i < SERVERS; i += 1) await processes.start();
    await run.start(0, { ttlMs: TTL_MS });
    for (let round = 0; round < ROUNDS; round += 1) {
      await run.load.progress(100);
      const [doomed = ''] = processes.instances;
      await processes.stop(doomed, 'SIGKILL');
      await processes.start();
    }
    await run.load.progress(100);
    await run.close();
    report('server processes killed', run);
  });

  it('without a single error when every server process is restarted in turn', async () => {
    const { run, processes } = await scene();
    for (let i = 0; i < SERVERS; i += 1) await processes.start();
    await run.start(0, { ttlMs: 10_000 });
    for (let round = 0; round < Math.max(SERVERS, ROUNDS); round += 1) {
      await run.load.progress(100);
      const [old = ''] = processes.instances;
      await processes.stop(old, 'SIGTERM');
      await processes.start();
    }
    await run.load.progress(100);
    await run.close();
    report('server processes restarted in turn', run);
    expect([...run.book.errors]).toEqual([]);
  });
});
