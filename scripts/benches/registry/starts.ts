import { join } from 'node:path';
import { startRedis } from '../../redis.ts';
import { SignerGroup } from '../../rig/registry-signers.ts';
import { benchFolder } from './disk.ts';
import { type Found, type Part, quantile, rounded, say, spread } from './part.ts';
import { type ReadyTimes, RegistryNode } from './registry-node.ts';

const READS_MS_MAX = 800;
const WRITES_MS_MAX = 2_500;

async function run(quick: boolean): Promise<Found> {
  await using redis = await startRedis({ appendOnly: false });
  const group = SignerGroup.make();
  const times: ReadyTimes[] = [];
  for (let left = quick ? 3 : 10; left > 0; left -= 1) {
    using folder = benchFolder();
    const dataDir = join(folder.path, 'data');
    await using node = await RegistryNode.start({
      app: 'registry',
      group,
      folder: folder.path,
      dataDir,
      redisUrl: redis.url,
    });
    times.push(node.ready);
  }
  const [reads, writes] = [times.map((one) => one.reads), times.map((one) => one.writes)];
  say(
    `a new log: reads after ${quantile(reads, 0.5).toFixed(0)} ms, writes after ${quantile(writes, 0.5).toFixed(0)} ms`,
  );
  return {
    cases: [spread('cold_start_read', 'ms', reads), spread('cold_start_write', 'ms', writes)],
    goals: [
      { name: 'cold_start_read_ms', measured: rounded(quantile(reads, 0.5)), is: 'at most', bound: READS_MS_MAX },
      { name: 'cold_start_write_ms', measured: rounded(quantile(writes, 0.5)), is: 'at most', bound: WRITES_MS_MAX },
    ],
  };
}

/** From the start of the process until /readyz says that it is ready, for reads and for writes. */
export const starts: Part = { name: 'starts', run };
