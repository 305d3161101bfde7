import { join } from 'node:path';
import type { Logger, ServiceDeps } from '@macronode/service';
import { AuditTrail } from '../audit-trail.ts';
import { systemClock } from '../clock.ts';
import type { RegistryConfig } from '../config.ts';
import { MemoryHeadLock } from '../head-lock.ts';
import { LogService } from '../log.service.ts';
import type { RegistryMetrics } from '../metrics.ts';
import { openStore } from '../open-store.ts';
import { type OpenedLog, untold } from '../opened-log.ts';
import { Acquaintance } from './acquaintance.ts';
import { KeptCheckpoint } from './kept-checkpoint.ts';
import { ReplicaLog } from './replica-log.ts';
import { ReplicaStanding } from './replica-standing.ts';
import { UpstreamFollower } from './upstream.follower.ts';
import { UpstreamRefused } from './upstream-refused.ts';

type Deps = ServiceDeps<RegistryConfig>;

/** Opens a log to follow the one at `url`: one that was followed here before, or written here. It takes no writes. */
export async function openReplica(deps: Deps, metrics: RegistryMetrics, url: string): Promise<OpenedLog> {
  const { config, dataDir, nodeId } = deps;
  const store = await openStore(deps);
  const log = await LogService.open({
    store,
    // Nothing is signed here, so nothing has to be remembered of it.
    lock: new MemoryHeadLock(),
    checkpointer: undefined,
    metrics,
    replica: true,
    onListenerError: untold(deps.log),
  });
  const audit = new AuditTrail({ store, clock: systemClock, writerId: nodeId, metrics, log: deps.log });
  const replica = new ReplicaLog({ log, clock: systemClock, metrics });
  log.publishedBy(replica);
  const acquaintance = new Acquaintance({ log, dataDir, genesisFile: config.genesis, audit });
  const kept = new KeptCheckpoint(dataDir === undefined ? undefined : join(dataDir, 'followed-checkpoint'));
  const keys = acquaintance.keys();
  if (keys !== undefined) {
    replica.follow(keys);
    await showAgain(replica, kept, deps.log);
  }
  follow(deps, metrics, url, { log, replica, acquaintance, kept });
  return {
    log,
    audit,
    published: replica,
    cosigner: undefined,
    signers: () => ({ ...log.signers(), vkey: '', cosigner_vkey: '', ...acquaintance.keys() }),
  };
}

interface Followed {
  readonly log: LogService;
  readonly replica: ReplicaLog;
  readonly acquaintance: Acquaintance;
  readonly kept: KeptCheckpoint;
}

/** Starts to follow, and says when there is something to serve. */
function follow(deps: Deps, metrics: RegistryMetrics, url: string, followed: Followed): void {
  const { readiness } = deps;
  const { log, replica, acquaintance, kept } = followed;
  const standing = new ReplicaStanding(log.head.version > 0);
  const closing = new AbortController();
  const meet = async (): Promise<void> =>
    replica.follow(await acquaintance.meet(() => follower.source.signers(closing.signal)));
  const follower = new UpstreamFollower({
    url,
    after: () => log.head.version,
    apply: async (entries) => {
      await meet();
      await replica.adopt(entries);
      standing.accepted();
    },
    onCheckpoint: async (text) => {
      await meet();
      const shown = replica.show(text);
      standing.accepted();
      if (shown) await keep(kept, text, deps.log);
    },
    onCaughtUp: () => standing.caughtUp(),
    onError: (error) => standing.failed(error),
    log: deps.log,
  });
  metrics.replicaLag.collect(() => follower.lag);
  readiness.check('entries', () => standing.holds, { gates: 'ready' });
  readiness.check('upstream', () => standing.trusts && !replica.forked, { gates: 'ready' });
  readiness.check('replica', () => false, { gates: 'write' });
  follower.start();
  deps.onClose('follower', async () => {
    closing.abort();
    await follower.close();
  });
}

/** Shows what was shown before the start, so that proofs can be given while the followed log is away. */
async function showAgain(replica: ReplicaLog, kept: KeptCheckpoint, log: Logger): Promise<void> {
  const text = await kept.read();
  try {
    if (text !== undefined) replica.show(text);
  } catch (err) {
    if (!(err instanceof UpstreamRefused)) throw err;
    log.warn({ err }, 'the checkpoint that was kept is not shown');
  }
}

/** It is shown already: what is kept is for the next start, and then a newer one may come. */
async function keep(kept: KeptCheckpoint, text: string, log: Logger): Promise<void> {
  try {
    await kept.keep(text);
  } catch (err) {
    log.warn({ err }, 'the checkpoint could not be kept');
  }
}
