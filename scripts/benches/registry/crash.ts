import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startRedis } from '../../redis.ts';
import { RegistryDriver, RegistryRefused } from '../../rig/registry-driver.ts';
import { SignerGroup } from '../../rig/registry-signers.ts';
import { oneRound } from './commit-cadence.ts';
import { benchFolder } from './disk.ts';
import { growLog } from './grown-log.ts';
import { type Found, type Part, quantile, rounded, say, single, spread } from './part.ts';
import { type ReadyTimes, RegistryNode } from './registry-node.ts';
import { auditFailuresOf } from './started.ts';

/** Where the documents say a log is to be divided. */
const VERSIONS = { quick: 2_000, full: 50_000 } as const;
const READS_MS_MAX = 3_500;
const WRITES_MS_MAX = 6_000;
const COMMITTING_MS = 1_500;

/** Commits until the process is killed under it; answers the last version that was acknowledged. */
async function killedMidCommits(node: RegistryNode): Promise<number> {
  using driver = new RegistryDriver(node.url, node.group);
  let last = 0;
  const committing = (async () => {
    for (;;) last = (await oneRound(driver)).committed.version;
  })().catch((error: unknown) => {
    if (!(error instanceof RegistryRefused) || error.status !== 0) throw error;
  });
  await delay(COMMITTING_MS);
  await node.end('SIGKILL');
  await committing;
  return last;
}

async function run(quick: boolean): Promise<Found> {
  await using redis = await startRedis({ appendOnly: false });
  using folder = benchFolder();
  const group = SignerGroup.make();
  const dataDir = join(folder.path, 'data');
  const versions = quick ? VERSIONS.quick : VERSIONS.full;
  say(`a log of ${versions} versions written in ${(await growLog(dataDir, group, versions)).toFixed(1)} s`);
  const start = () => RegistryNode.start({ app: 'registry', group, folder: folder.path, dataDir, redisUrl: redis.url });
  let node = await start();
  const sound = node.ready;
  const times: ReadyTimes[] = [];
  let lost = 0;
  try {
    for (let left = quick ? 2 : 5; left > 0; left -= 1) {
      const acknowledged = await killedMidCommits(node);
      node = await start();
      times.push(node.ready);
      using driver = new RegistryDriver(node.url, group);
      const { version } = await driver.head();
      if (version < acknowledged) lost += acknowledged - version;
      if (acknowledged <= versions) say('nothing was committed before the process was killed');
    }
    const auditFailures = await auditFailuresOf(node);
    const [reads, writes] = [times.map((one) => one.reads), times.map((one) => one.writes)];
    say(
      `after kill -9 with ${versions} versions: reads after ${quantile(reads, 0.5).toFixed(0)} ms, writes after ${quantile(writes, 0.5).toFixed(0)} ms; ${lost} acknowledged versions lost`,
    );
    return {
      auditFailures,
      cases: [
        spread('crash_start_read', 'ms', reads),
        spread('crash_start_write', 'ms', writes),
        single(`start_read, ${versions} versions`, 'ms', sound.reads),
        single(`start_write, ${versions} versions`, 'ms', sound.writes),
      ],
      figures: { 'versions of the log': versions, 'acknowledged versions lost': lost },
      goals: [
        { name: 'crash_start_read_ms', measured: rounded(quantile(reads, 0.5)), is: 'at most', bound: READS_MS_MAX },
        { name: 'crash_start_write_ms', measured: rounded(quantile(writes, 0.5)), is: 'at most', bound: WRITES_MS_MAX },
        { name: 'acknowledged_versions_lost', measured: lost, is: 'at most', bound: 0 },
      ],
    };
  } finally {
    await node[Symbol.asyncDispose]();
  }
}

/** A log as long as one may get, its process killed between commits: how soon it reads and writes again, and that nothing acknowledged is gone. */
export const crash: Part = { name: 'crash', run };
