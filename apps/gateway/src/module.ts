import { Bus } from '@macronode/bus';
import { LIMITS } from '@macronode/contracts';
import { EventStream, eventStreamMetrics, RegistryDesk } from '@macronode/log-http';
import type { Claim } from '@macronode/mesh';
import { HttpEdge, type ServiceDeps } from '@macronode/service';
import { type DynamicModule, Module } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { AdmissionService } from './admission.service.ts';
import { BusCommitFeed } from './bus-commit.feed.ts';
import { BusRegistryDesk } from './bus-registry.desk.ts';
import { ClientEdge, type Guarding } from './client-edge.ts';
import { ClientGate } from './clients/client-gate.ts';
import { Tarpit } from './clients/tarpit.ts';
import { Compression } from './compression.ts';
import type { GatewayConfig } from './config.ts';
import { EchoHttpController } from './echo.http.controller.ts';
import { MailboxHttpController } from './mailbox.http.controller.ts';
import { openScoring } from './mesh/open-scoring.ts';
import { type GatewayMetrics, gatewayMetrics } from './metrics.ts';
import { NameHttpController } from './name.http.controller.ts';
import { ObjectHttpController } from './object.http.controller.ts';
import { ObjectReply } from './object-reply.ts';
import { OpenApiHttpController } from './openapi.http.controller.ts';
import { GatewayRegistryController } from './registry.http.controller.ts';
import { Uploads } from './upload.service.ts';

@Module({})
export class GatewayModule {
  static async register(deps: ServiceDeps<GatewayConfig>): Promise<DynamicModule> {
    const { config, toggles } = deps;
    const metrics = deps.metrics.bind(gatewayMetrics);
    const bound = toggles.quotas ? config.inflight : Infinity;
    const compression = toggles.compression ? new Compression() : undefined;
    const admission = new AdmissionService(bound, metrics);
    deps.metrics.occupied(() => [admission.occupancy()]);
    const scoring = await openScoring(deps);
    const guarding = guardOf(deps, metrics, (claim) => void scoring?.mesh.publish(claim));
    return {
      module: GatewayModule,
      controllers: [
        ObjectHttpController,
        NameHttpController,
        MailboxHttpController,
        GatewayRegistryController,
        OpenApiHttpController,
        ...(config.echo ? [EchoHttpController] : []),
      ],
      providers: [
        { provide: Bus, useValue: deps.bus },
        { provide: Uploads, useValue: new Uploads(deps.bus, metrics) },
        { provide: ObjectReply, useValue: new ObjectReply(metrics) },
        { provide: AdmissionService, useValue: admission },
        { provide: RegistryDesk, useValue: new BusRegistryDesk(deps.bus) },
        { provide: EventStream, useValue: openStreams(deps) },
        {
          provide: HttpEdge,
          inject: [HttpAdapterHost],
          useFactory: (host: HttpAdapterHost) => new HttpEdge(host, deps.readiness, compression?.encode),
        },
        {
          provide: ClientEdge,
          inject: [HttpAdapterHost],
          useFactory: (host: HttpAdapterHost) =>
            new ClientEdge(host, { guarding, scoring, stripped: metrics.meshScoreStripped }),
        },
      ],
    };
  }
}

/** A share for each address, where one is set. Cut clients are told to the mesh, loopback too: it is what tests and sidecars come from. */
function guardOf(
  { config, toggles, metrics }: ServiceDeps<GatewayConfig>,
  counters: GatewayMetrics,
  tell: (claim: Claim) => void,
): Guarding | undefined {
  const { clientRps, clientBurst, clientMalformedRps, cutMs, tarpitMs } = config;
  if (!toggles.quotas || (clientRps === 0 && clientMalformedRps === 0)) return undefined;
  const policy = {
    requestsPerSecond: clientRps,
    requestBurst: clientBurst,
    malformedPerSecond: clientMalformedRps,
    cutMs,
    tarpitMs,
  };
  const gate = new ClientGate({ policy, metrics: counters, tell });
  const tarpit = new Tarpit(LIMITS.gateway_tarpit_answers.value, counters);
  metrics.occupied(() => [tarpit.occupancy()]);
  return { gate, tarpit, malformed: clientMalformedRps > 0 };
}

function openStreams(deps: ServiceDeps<GatewayConfig>): EventStream {
  const feed = new BusCommitFeed(deps.bus, deps.log);
  const metrics = deps.metrics.bind(eventStreamMetrics);
  const streams = new EventStream({ feed, metrics, clients: deps.config.streamClients });
  deps.metrics.occupied(() => [streams.occupancy()]);
  deps.onClose('registry feed', () => feed.close());
  deps.onClose('event streams', () => streams.close());
  feed.start();
  return streams;
}
