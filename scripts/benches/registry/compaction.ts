import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { askedSum } from '../../measure/metrics.ts';
import { type OwnRedis, startRedis } from '../../redis.ts';
import { RegistryDriver } from '../../rig/registry-driver.ts';
import { SignerGroup } from '../../rig/registry-signers.ts';
import { commitsInARow } from './commit-cadence.ts';
import { watchProcess } from './cpu-share.ts';
import { benchFolder } from './disk.ts';
import { type Found, type Part, percentilesOf, quantile, rounded, say, single } from './part.ts';
import { latencyMs, Readers } from './readers.ts';
import { RegistryNode } from './registry-node.ts';
import { auditFailuresOf } from './started.ts';

/** More than a measurement removes: it has work to the end. */
const NONCES = 200_000;
const VERSIONS = 40;
const RATE = 2_500;
const CONNECTIONS = 64;
const HEAD_P95_MS_MAX = 50;
const COMMIT_P95_MS_MAX = 750;
const RSS_MIB_MAX = 512;
const ALWAYS = '00:00-00:00';

/** Minutes from now on which it is not now. */
function elsewhere(): string {
  const from = new Date(Date.now() + 6 * 3_600_000).toISOString().slice(11, 16);
  const to = new Date(Date.now() + 7 * 3_600_000).toISOString().slice(11, 16);
  return `${from}-${to}`;
}

/** What a long life leaves behind, written at once: nonces that expired long ago. */
function seedNonces(file: string): void {
  const db = new DatabaseSync(file);
  try {
    db.exec('BEGIN');
    const insert = db.prepare('INSERT INTO nonces (nonce, expires_at) VALUES (?, ?)');
    for (let at = 0; at < NONCES; at += 1) insert.run(randomBytes(16).toString('hex'), at);
    db.exec('COMMIT');
  } finally {
    db.close();
  }
}

interface Measured {
  readonly headP95: number;
  readonly commits: readonly number[];
  readonly steps: number;
  readonly rssMib: number;
  readonly auditFailures: number;
}

async function measured(
  redis: OwnRedis,
  wish: { readonly group: SignerGroup; readonly folder: string; readonly dataDir: string },
  window: string,
  ms: number,
): Promise<Measured> {
  const env = { REGISTRY_COMPACTION_WINDOW: window };
  await using node = await RegistryNode.start({ app: 'registry', ...wish, redisUrl: redis.url, env });
  using driver = new RegistryDriver(node.url, wish.group);
  await using readers = await Readers.start();
  const order = { url: node.url, read: 'head', knownShare: 0.5, versions: VERSIONS, connections: CONNECTIONS } as const;
  await readers.read({ ...order, rate: RATE, ms: 1_000 });
  const until = performance.now() + ms;
  const watch = watchProcess(node.pid);
  const reading = readers.readRightly({ ...order, rate: RATE, ms });
  const commits: number[] = [];
  while (performance.now() < until) commits.push(...(await commitsInARow(driver, 1)).map((round) => round.ms.commit));
  const headP95 = latencyMs(await reading, 0.95);
  const { residentMib } = await watch();
  const steps = await askedSum(node.ops, 'registry_compactions_total');
  return { headP95, commits, steps, rssMib: Math.max(...residentMib), auditFailures: await auditFailuresOf(node) };
}

async function run(quick: boolean): Promise<Found> {
  await using redis = await startRedis({ appendOnly: false });
  using folder = benchFolder();
  const group = SignerGroup.make();
  const dataDir = join(folder.path, 'data');
  const wish = { group, folder: folder.path, dataDir };
  {
    await using node = await RegistryNode.start({ app: 'registry', ...wish, redisUrl: redis.url });
    using driver = new RegistryDriver(node.url, group);
    await commitsInARow(driver, VERSIONS);
  }
  seedNonces(join(dataDir, 'registry', 'registry.db'));
  const ms = quick ? 4_000 : 15_000;
  const closed = await measured(redis, wish, elsewhere(), ms);
  const open = await measured(redis, wish, ALWAYS, ms);
  say(
    `head p95 ${closed.headP95.toFixed(2)} ms outside of the window (${closed.steps} steps), ` +
      `${open.headP95.toFixed(2)} ms inside (${open.steps} steps)`,
  );
  return {
    cases: [
      single('head p95, outside of the compaction window', 'ms', closed.headP95),
      single('head p95, inside of it', 'ms', open.headP95),
      {
        ...single('commit, inside of it', 'ms', quantile(open.commits, 0.5), open.commits.length),
        ...percentilesOf(open.commits),
      },
      single('compaction steps, inside of it', 'count', open.steps),
      single('most resident, inside of it', 'MiB', open.rssMib),
    ],
    ratios: { 'head p95, inside / outside of the compaction window': rounded(open.headP95 / closed.headP95) },
    goals: [
      { name: 'compaction_steps_outside', measured: closed.steps, is: 'at most', bound: 0 },
      { name: 'compaction_steps_inside', measured: open.steps, is: 'at least', bound: 1 },
      { name: 'compaction_rss_peak_mib', measured: rounded(open.rssMib), is: 'at most', bound: RSS_MIB_MAX },
      { name: 'compaction_head_p95_ms', measured: rounded(open.headP95), is: 'at most', bound: HEAD_P95_MS_MAX },
      {
        name: 'compaction_commit_p95_ms',
        measured: rounded(quantile(open.commits, 0.95)),
        is: 'at most',
        bound: COMMIT_P95_MS_MAX,
      },
    ],
    auditFailures: closed.auditFailures + open.auditFailures,
  };
}

/** Reads and commits while what is settled is removed: in the window, and outside of it not at all. */
export const compaction: Part = { name: 'compaction', run };
