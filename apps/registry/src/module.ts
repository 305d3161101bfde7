import { join } from 'node:path';
import type { RegistrySigners } from '@macronode/contracts';
import { NodeKey } from '@macronode/keys';
import { EventStream, eventStreamMetrics, RegistryDesk, RegistryHttpController } from '@macronode/log-http';
import type { ServiceDeps } from '@macronode/service';
import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { Announcer } from './announcer.ts';
import { AuditTrail } from './audit-trail.ts';
import { RegistryBusController } from './bus.controller.ts';
import { Checkpointer } from './checkpointer.ts';
import { systemClock } from './clock.ts';
import { CommitSection, signersText } from './commit-section.ts';
import type { RegistryConfig } from './config.ts';
import { DeepVerifier } from './deep-verifier.ts';
import { readGenesis } from './genesis.ts';
import { FileHeadLock, type HeadLock, MemoryHeadLock } from './head-lock.ts';
import { Housekeeping } from './housekeeping.ts';
import { LogDesk } from './log.desk.ts';
import { LogFeed } from './log.feed.ts';
import { LogService } from './log.service.ts';
import type { LogStore } from './log.store.ts';
import { registryMetrics, type RegistryMetrics } from './metrics.ts';
import { Proposals } from './proposals.ts';
import { RequestJudge } from './request-judge.ts';
import { RouteGate } from './route-gate.ts';
import { SqliteLogStore } from './sqlite-log.store.ts';
import { WitnessClient } from './witness-client.ts';
import { parseWitnessed, parseWitnesses } from './witness-settings.ts';
import { Witness } from './witness.ts';
import { WriteService } from './write.service.ts';
import { WriterLease } from './writer-lease.ts';

type Deps = ServiceDeps<RegistryConfig>;

/** The right to write, and what was signed last; nothing on disk without a data folder. */
async function openLock({ dataDir, config, onClose }: Deps): Promise<HeadLock> {
  if (dataDir === undefined) return new MemoryHeadLock();
  const folder = config.lockDir ?? join(dataDir, 'lock');
  const lease = await WriterLease.take(folder, config.leaseWaitS * 1_000);
  onClose('lease', () => lease[Symbol.dispose]());
  const lock = await FileHeadLock.open(folder);
  onClose('lock', () => lock.close());
  return lock;
}

async function openStore({ dataDir, metrics, onClose }: Deps): Promise<LogStore> {
  const location = dataDir === undefined ? 'memory' : { file: join(dataDir, 'registry.db') };
  const store = await SqliteLogStore.open({ location, metrics });
  onClose('store', () => store.close());
  return store;
}

const keyOf = ({ dataDir }: Deps, name: string): NodeKey =>
  dataDir === undefined ? NodeKey.ephemeral() : NodeKey.loadOrCreate(join(dataDir, name));

/** Makes the log what the genesis file says, or checks that it is that already. */
async function identify(deps: Deps, store: LogStore): Promise<void> {
  const { genesis: file } = deps.config;
  const genesis = file === undefined ? undefined : readGenesis(file);
  const outcome = await store.identify({
    log: genesis?.value.log ?? '',
    genesis: genesis && { text: genesis.text, signers: signersText(genesis.value) },
    audit: {
      at: systemClock.wallMs(),
      writerId: deps.nodeId,
      kind: 'genesis',
      actor: null,
      subject: null,
      reason: null,
      attrs: { log: genesis?.value.log ?? '' },
    },
  });
  if (outcome !== 'conflict') return;
  throw new Error(`the log in ${deps.dataDir ?? 'memory'} began with another genesis than ${file ?? ''}: use that one`);
}

@Module({})
export class RegistryModule {
  static async register(deps: Deps): Promise<DynamicModule> {
    const { config, readiness, toggles, nodeId, bus } = deps;
    const metrics: RegistryMetrics = deps.metrics.bind(registryMetrics);
    const lock = await openLock(deps);
    const store = await openStore(deps);
    await identify(deps, store);
    const name = store.logName();
    const checkpointer =
      name === undefined
        ? undefined
        : new Checkpointer({
            log: name,
            logKey: keyOf(deps, 'log.key'),
            cosignerKey: keyOf(deps, 'cosigner.key'),
            clock: systemClock,
            metrics,
          });
    const log = await LogService.open({ store, lock, checkpointer, metrics, replica: false });
    const audit = new AuditTrail({ store, clock: systemClock, writerId: nodeId, metrics, log: deps.log });
    const proposals = new Proposals(log);
    const section = new CommitSection({ log, proposals, audit, clock: systemClock, metrics });
    const judge = new RequestJudge({
      clock: systemClock,
      proposePerSecond: config.proposePerSecond,
      approvePerSecond: config.approvePerSecond,
      quotas: toggles.quotas,
    });
    const writes = new WriteService({
      log,
      proposals,
      judge,
      section,
      audit,
      clock: systemClock,
      metrics,
      writeReady: () => readiness.writeReady,
    });
    const gate = new RouteGate(
      {
        head: config.headInflight,
        entry: config.entryInflight,
        log: config.logInflight,
        proof: config.proofInflight,
        state: config.stateInflight,
        write: config.writeInflight,
      },
      metrics,
    );
    deps.metrics.occupied(() => gate.occupancies());
    const witnessed = parseWitnessed(config.witnessed);
    const desk = new LogDesk({
      log,
      writes,
      proposals,
      gate,
      clock: systemClock,
      witness:
        witnessed.length === 0 || checkpointer === undefined
          ? undefined
          : new Witness(store, witnessed, checkpointer.cosigner, systemClock),
      published: checkpointer,
      signers: () => signersOf(log),
    });
    keepHouse(deps, log, metrics);
    readiness.check('store', () => log.writable, { gates: 'write' });
    metrics.storageBytes.collect(() => store.storageBytes());
    // In a micronode the gateway has the one public port, and these routes.
    const ownPort = deps.profile !== 'micronode';
    const announcer = new Announcer(bus, metrics);
    // After the answer: a commit does not wait for whoever wants to hear of it.
    log.onCommit((committed) => setImmediate(() => announcer.announce(committed)));
    deps.log.info({ log: name ?? 'without signers', version: log.head.version }, 'the log is open');
    return {
      module: RegistryModule,
      controllers: [RegistryBusController, ...(ownPort ? [RegistryHttpController] : [])],
      providers: [
        { provide: LogDesk, useValue: desk },
        { provide: RegistryDesk, useExisting: LogDesk },
        ...(ownPort ? [openStreams(deps, log)] : []),
      ],
    };
  }
}

function openStreams({ metrics, config, onClose }: Deps, log: LogService): Provider {
  const streams = new EventStream({
    feed: new LogFeed(log),
    metrics: metrics.bind(eventStreamMetrics),
    clients: config.streamClients,
  });
  metrics.occupied(() => [streams.occupancy()]);
  onClose('event streams', () => streams.close());
  return { provide: EventStream, useValue: streams };
}

function signersOf(log: LogService): RegistrySigners {
  const { signerSet, checkpointer, store } = log;
  const genesisSet = store.signerSet(0);
  return {
    log: store.logName() ?? '',
    vkey: checkpointer?.vkey ?? '',
    cosigner_vkey: checkpointer?.cosignerVkey ?? '',
    state: log.state(),
    version: signerSet?.version ?? 0,
    m: signerSet?.m ?? 0,
    k_pq: signerSet?.k_pq ?? 0,
    signers: [...(signerSet?.signers ?? [])],
    genesis:
      genesisSet === undefined ? null : { m: genesisSet.m, k_pq: genesisSet.k_pq, signers: [...genesisSet.signers] },
  };
}

/** Starts what the log does by itself, and registers how it ends. */
function keepHouse(deps: Deps, log: LogService, metrics: RegistryMetrics): void {
  const { config, onClose } = deps;
  const { checkpointer, store } = log;
  const witnesses =
    checkpointer === undefined
      ? []
      : parseWitnesses(config.witnesses).map((address) => new WitnessClient(address, log, checkpointer, metrics));
  const poke = (): void => {
    for (const witness of witnesses) witness.poke();
  };
  log.onCommit(() => setImmediate(poke));
  for (const [at, witness] of witnesses.entries()) onClose(`witness ${at}`, () => witness.close());
  const housekeeping = new Housekeeping({
    store,
    checkpointer,
    clock: systemClock,
    writerId: deps.nodeId,
    metrics,
    log: deps.log,
    checkpointIntervalMs: config.checkpointIntervalS * 1_000,
    compactionWindow: config.compactionWindow,
    proposalKeepHours: config.proposalKeepHours,
    auditKeep: config.auditKeep,
    onResign: poke,
  });
  housekeeping.start();
  onClose('housekeeping', () => housekeeping.stop());
  const verifier = new DeepVerifier(log, metrics, deps.log);
  deps.readiness.check('log_verified', () => verifier.ok, { gates: 'write' });
  const verified = verifier.run().catch((err: unknown) => deps.log.error({ err }, 'the log could not be verified'));
  onClose('verification', async () => {
    verifier.stop();
    await verified;
  });
}
