import type { ServiceDeps } from '@macronode/service';
import type { RegistryConfig } from '../config.ts';
import { MemoryHeadLock } from '../head-lock.ts';
import { LogService } from '../log.service.ts';
import type { RegistryMetrics } from '../metrics.ts';
import { openStore } from '../open-store.ts';
import type { OpenedLog } from '../opened-log.ts';
import { Acquaintance } from './acquaintance.ts';
import { ReplicaLog } from './replica-log.ts';
import { UpstreamFollower } from './upstream.follower.ts';

/** Opens a log to follow the one at `url`. It is ready once that one has answered, and takes no writes. */
export async function openReplica(
  deps: ServiceDeps<RegistryConfig>,
  metrics: RegistryMetrics,
  url: string,
): Promise<OpenedLog> {
  const { config, readiness, nodeId } = deps;
  const store = await openStore(deps);
  const log = await LogService.open({
    store,
    // Nothing is signed here, so nothing has to be remembered of it.
    lock: new MemoryHeadLock(),
    checkpointer: undefined,
    metrics,
    replica: true,
  });
  const replica = new ReplicaLog(log);
  const acquaintance = new Acquaintance({ log, genesisFile: config.genesis, writerId: nodeId });
  const closing = new AbortController();
  const meet = async (): Promise<void> =>
    replica.follow((await acquaintance.meet(() => follower.source.signers(closing.signal))).vkey);
  const follower = new UpstreamFollower({
    url,
    after: () => log.head.version,
    apply: async (entries) => {
      await meet();
      await replica.adopt(entries);
    },
    onCheckpoint: async (text) => {
      await meet();
      replica.show(text);
    },
    log: deps.log,
  });
  metrics.replicaLag.collect(() => follower.lag);
  readiness.check('upstream', () => follower.headSeenAt !== undefined, { gates: 'ready' });
  readiness.check('replica', () => false, { gates: 'write' });
  follower.start();
  deps.onClose('follower', async () => {
    closing.abort();
    await follower.close();
  });
  return {
    log,
    published: replica,
    cosigner: undefined,
    signers: () => ({ ...log.signers(), vkey: '', cosigner_vkey: '', ...acquaintance.keys() }),
  };
}
