import { EventStream, eventStreamMetrics, RegistryDesk, RegistryHttpController } from '@macronode/log-http';
import { HttpEdge, type ServiceDeps } from '@macronode/service';
import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Announcer } from './announcer.ts';
import { RegistryBusController } from './bus.controller.ts';
import { systemClock } from './clock.ts';
import { CommitSection } from './commit-section.ts';
import type { RegistryConfig } from './config.ts';
import { DeepVerifier } from './deep-verifier.ts';
import { LogDesk } from './log.desk.ts';
import { LogFeed } from './log.feed.ts';
import type { LogService } from './log.service.ts';
import { registryMetrics, type RegistryMetrics } from './metrics.ts';
import { openWriter } from './open-writer.ts';
import type { OpenedLog } from './opened-log.ts';
import { Proposals } from './proposals.ts';
import { openReplica } from './replica/open-replica.ts';
import { RequestJudge } from './request-judge.ts';
import { RouteGate } from './route-gate.ts';
import { parseWitnessed } from './witness-settings.ts';
import { Witness } from './witness.ts';
import { WriteService } from './write.service.ts';

type Deps = ServiceDeps<RegistryConfig>;

@Module({})
export class RegistryModule {
  static async register(deps: Deps): Promise<DynamicModule> {
    const { config, readiness } = deps;
    const metrics: RegistryMetrics = deps.metrics.bind(registryMetrics);
    const opened = await (config.follow === undefined
      ? openWriter(deps, metrics)
      : openReplica(deps, metrics, config.follow));
    const { log } = opened;
    const verifier = new DeepVerifier(log, metrics, deps.log);
    // Not readiness: that asks for the bus too, and a commit needs none.
    const desk = openDesk(deps, opened, metrics, () => verifier.ok);
    readiness.check('store', () => log.writable, { gates: 'write' });
    readiness.check('disk_latency', () => !log.stalled, { gates: 'write' });
    metrics.storageBytes.collect(() => log.store.storageBytes());
    verify(deps, verifier);
    const writes = config.follow === undefined;
    if (writes) announce(deps, log, metrics);
    deps.log.info({ log: log.store.logName() ?? 'without signers', version: log.head.version }, 'the log is open');
    // In a micronode the gateway has the one public port, and these routes.
    const ownPort = deps.profile !== 'micronode';
    return {
      module: RegistryModule,
      controllers: [
        // One instance answers for the log on the bus: the one that writes it.
        ...(writes ? [RegistryBusController] : []),
        ...(ownPort ? [RegistryHttpController] : []),
      ],
      providers: [
        { provide: LogDesk, useValue: desk },
        { provide: RegistryDesk, useExisting: LogDesk },
        ...(ownPort ? [openStreams(deps, log), openEdge(deps)] : []),
      ],
    };
  }
}

function openDesk(deps: Deps, opened: OpenedLog, metrics: RegistryMetrics, isSound: () => boolean): LogDesk {
  const { config } = deps;
  const { log, audit, published, cosigner } = opened;
  const clock = systemClock;
  const proposals = new Proposals(log, metrics);
  const section = new CommitSection({ log, proposals, audit, clock, metrics });
  const { proposePerSecond, approvePerSecond } = config;
  const judge = new RequestJudge({
    clock,
    proposePerSecond,
    approvePerSecond,
    quotas: deps.toggles.quotas,
    nonceUsed: (nonce) => log.store.nonceUsed(nonce),
  });
  const writes = new WriteService({ log, proposals, judge, section, audit, clock, metrics, isSound });
  const witnessed = parseWitnessed(config.witnessed);
  const witness =
    witnessed.length === 0 || cosigner === undefined ? undefined : new Witness(log.store, witnessed, cosigner, clock);
  const gate = openGate(deps, metrics);
  return new LogDesk({ log, writes, proposals, gate, clock, witness, published, signers: () => opened.signers() });
}

function openGate({ config, metrics: scope }: Deps, metrics: RegistryMetrics): RouteGate {
  const bounds = {
    head: config.headInflight,
    entry: config.entryInflight,
    log: config.logInflight,
    proof: config.proofInflight,
    state: config.stateInflight,
    write: config.writeInflight,
    witness: config.witnessInflight,
  };
  const gate = new RouteGate(bounds, metrics);
  scope.occupied(() => gate.occupancies());
  return gate;
}

function openStreams(deps: Deps, log: LogService): Provider {
  const { metrics, config } = deps;
  const streams = new EventStream({
    feed: new LogFeed(log),
    metrics: metrics.bind(eventStreamMetrics),
    clients: config.streamClients,
  });
  metrics.occupied(() => [streams.occupancy()]);
  deps.onClose('event streams', () => streams.close());
  return { provide: EventStream, useValue: streams };
}

const openEdge = ({ readiness }: Deps): Provider => ({
  provide: HttpEdge,
  inject: [HttpAdapterHost],
  useFactory: (host: HttpAdapterHost) => new HttpEdge(host, readiness),
});

/** After the answer: a commit does not wait for whoever wants to hear of it. */
function announce({ bus, log: logger }: Deps, log: LogService, metrics: RegistryMetrics): void {
  const announcer = new Announcer(bus, metrics, logger);
  log.onCommit((committed, origin) => setImmediate(() => announcer.announce(committed, origin)));
}

/** Reads the whole log again, behind the requests. */
function verify(deps: Deps, verifier: DeepVerifier): void {
  deps.readiness.check('log_verified', () => verifier.ok, { gates: 'write' });
  const done = verifier.run().catch((err: unknown) => deps.log.error({ err }, 'the log could not be verified'));
  deps.onClose('verification', async () => {
    verifier.stop();
    await done;
  });
}
