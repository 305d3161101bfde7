import { join } from 'node:path';
import { askedSum } from '../../measure/metrics.ts';
import { type OwnRedis, startRedis } from '../../redis.ts';
import { auditLog } from '../../rig/registry-audit.ts';
import { RegistryDriver } from '../../rig/registry-driver.ts';
import { SignerGroup } from '../../rig/registry-signers.ts';
import { commitsInARow } from './commit-cadence.ts';
import { benchFolder } from './disk.ts';
import type { Found } from './part.ts';
import { say } from './part.ts';
import { RegistryNode } from './registry-node.ts';

/** Versions to read before anything is measured: enough that reads are not all of one row. */
const SEEDED = { quick: 40, full: 400 } as const;

/** A registry with a disk, its signers, and a log that is not empty. */
export interface Started {
  readonly node: RegistryNode;
  readonly driver: RegistryDriver;
  readonly redis: OwnRedis;
  readonly versions: number;
}

/** Starts one, lets `work` measure it, verifies its whole log, and stops it. */
export async function withRegistry(quick: boolean, work: (started: Started) => Promise<Found>): Promise<Found> {
  await using redis = await startRedis({ appendOnly: false });
  using folder = benchFolder();
  const group = SignerGroup.make();
  const dataDir = join(folder.path, 'data');
  await using node = await RegistryNode.start({
    app: 'registry',
    group,
    folder: folder.path,
    dataDir,
    redisUrl: redis.url,
  });
  using driver = new RegistryDriver(node.url, group);
  const versions = quick ? SEEDED.quick : SEEDED.full;
  await commitsInARow(driver, versions);
  const found = await work({ node, driver, redis, versions });
  return { ...found, auditFailures: await auditFailuresOf(node) };
}

/** Entries and records that did not verify, as the registry counted them, and one more when an outsider finds fault with the log. */
export async function auditFailuresOf({ url, ops }: { readonly url: string; readonly ops: string }): Promise<number> {
  const counted = await askedSum(ops, 'registry_audit_fail_total');
  const { ok, said } = await auditLog(url);
  if (!ok) say(`the log does not verify: ${said.slice(-500)}`);
  return counted + (ok ? 0 : 1);
}
