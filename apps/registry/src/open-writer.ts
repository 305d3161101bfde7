import { join } from 'node:path';
import type { RegistrySigners } from '@macronode/contracts';
import { NodeKey } from '@macronode/keys';
import type { ServiceDeps } from '@macronode/service';
import { AuditTrail } from './audit-trail.ts';
import { Checkpointer } from './checkpointer.ts';
import { systemClock } from './clock.ts';
import type { RegistryConfig } from './config.ts';
import { readGenesis } from './genesis.ts';
import { FileHeadLock, type HeadLock, MemoryHeadLock } from './head-lock.ts';
import { Housekeeping } from './housekeeping.ts';
import { readKeptGenesis, signersText } from './kept-genesis.ts';
import { LogService } from './log.service.ts';
import type { LogStore } from './log.store.ts';
import type { RegistryMetrics } from './metrics.ts';
import { openStore } from './open-store.ts';
import { type OpenedLog, untold } from './opened-log.ts';
import { WitnessClient } from './witness-client.ts';
import { parseWitnesses } from './witness-settings.ts';
import { WriterLease } from './writer-lease.ts';

type Deps = ServiceDeps<RegistryConfig>;

/** Opens a log to write it. Rejects with LeaseHeld, ForkRefused or GenesisRefused: then this process must not. */
export async function openWriter(deps: Deps, metrics: RegistryMetrics): Promise<OpenedLog> {
  const lock = await openLock(deps);
  const store = await openStore(deps);
  const audit = new AuditTrail({ store, clock: systemClock, writerId: deps.nodeId, metrics, log: deps.log });
  await identify(deps, store, audit);
  const name = store.logName();
  const checkpointer = name === undefined ? undefined : checkpointerOf(deps, name, metrics);
  const onListenerError = untold(deps.log);
  const log = await LogService.open({ store, lock, checkpointer, metrics, replica: false, onListenerError });
  keepHouse(deps, log, audit, checkpointer, metrics);
  return {
    log,
    audit,
    published: checkpointer,
    cosigner: checkpointer?.cosigner,
    signers: () => signersOf(log, checkpointer),
  };
}

/** The right to write, and what was signed last; nothing on disk without a data folder. */
async function openLock(deps: Deps): Promise<HeadLock> {
  const { dataDir, config } = deps;
  if (dataDir === undefined) return new MemoryHeadLock();
  const folder = config.lockDir ?? join(dataDir, 'lock');
  if (config.lockDir === undefined) {
    const advice = 'the lock of the log lies beside its data: keep it out of backups, or set REGISTRY_LOCK_DIR';
    deps.log.info({ folder }, advice);
  }
  const lease = await WriterLease.take(folder, config.leaseWaitS * 1_000);
  deps.onClose('lease', () => lease[Symbol.dispose]());
  const lock = await FileHeadLock.open(folder);
  deps.onClose('lock', () => lock.close());
  return lock;
}

/** Makes the log what the genesis file says, or checks that it is that already. */
async function identify({ config, dataDir }: Deps, store: LogStore, audit: AuditTrail): Promise<void> {
  const { genesis: file } = config;
  const kept = store.genesis();
  if (kept !== undefined && readKeptGenesis(kept).role === 'followed') {
    throw new Error(
      `the data in ${dataDir ?? 'memory'} is of a replica of ${store.logName() ?? 'a log'}, and the key of that log is not here: ` +
        'start it with REGISTRY_FOLLOW, or begin a new log in an empty folder',
    );
  }
  const genesis = file === undefined ? undefined : readGenesis(file);
  const log = genesis?.value.log ?? '';
  const outcome = await store.identify({
    log,
    genesis: genesis && { text: genesis.text, signers: signersText(genesis.value) },
    audit: audit.fact({ kind: 'genesis', actor: null, subject: null, attrs: { log } }),
  });
  if (outcome === 'created') audit.appended();
  if (outcome !== 'conflict') return;
  throw new Error(`the log in ${dataDir ?? 'memory'} began with another genesis than ${file ?? ''}: use that one`);
}

function checkpointerOf({ dataDir }: Deps, log: string, metrics: RegistryMetrics): Checkpointer {
  const keyOf = (file: string): NodeKey =>
    dataDir === undefined ? NodeKey.ephemeral() : NodeKey.loadOrCreate(join(dataDir, file));
  // Two keys: one that signs texts must not sign statements about checkpoints too (C2SP signed-note).
  const keys = { logKey: keyOf('log.key'), cosignerKey: keyOf('cosigner.key') };
  return new Checkpointer({ log, ...keys, clock: systemClock, metrics });
}

function signersOf(log: LogService, checkpointer: Checkpointer | undefined): RegistrySigners {
  return {
    ...log.signers(),
    vkey: checkpointer?.vkey ?? '',
    cosigner_vkey: checkpointer?.cosignerVkey ?? '',
  };
}

/** Starts what the log does by itself, and registers how it ends. */
function keepHouse(
  deps: Deps,
  log: LogService,
  audit: AuditTrail,
  checkpointer: Checkpointer | undefined,
  metrics: RegistryMetrics,
): void {
  const { config } = deps;
  const witnesses =
    checkpointer === undefined
      ? []
      : parseWitnesses(config.witnesses).map((address) => new WitnessClient(address, log, checkpointer, metrics));
  const poke = (): void => {
    for (const witness of witnesses) witness.poke();
  };
  log.onCommit(() => setImmediate(poke));
  for (const [at, witness] of witnesses.entries()) deps.onClose(`witness ${at}`, () => witness.close());
  const housekeeping = new Housekeeping({
    store: log.store,
    checkpointer,
    audit,
    clock: systemClock,
    metrics,
    log: deps.log,
    checkpointIntervalMs: config.checkpointIntervalS * 1_000,
    compactionWindow: config.compactionWindow,
    proposalKeepHours: config.proposalKeepHours,
    auditKeep: config.auditKeep,
    onResign: poke,
  });
  housekeeping.start();
  deps.onClose('housekeeping', () => housekeeping.stop());
}
