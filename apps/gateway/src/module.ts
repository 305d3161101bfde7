import { Bus } from '@macronode/bus';
import type { ServiceDeps } from '@macronode/service';
import { type DynamicModule, Module } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { AdmissionService } from './admission.service.ts';
import { Compression } from './compression.ts';
import type { GatewayConfig } from './config.ts';
import { EchoHttpController } from './echo.http.controller.ts';
import { HttpEdge } from './http-edge.ts';
import { MailboxHttpController } from './mailbox.http.controller.ts';
import { gatewayMetrics } from './metrics.ts';
import { NameHttpController } from './name.http.controller.ts';
import { ObjectHttpController } from './object.http.controller.ts';
import { ObjectReply } from './object-reply.ts';
import { OpenApiHttpController } from './openapi.http.controller.ts';
import { Uploads } from './upload.service.ts';

@Module({})
export class GatewayModule {
  static register(deps: ServiceDeps<GatewayConfig>): DynamicModule {
    const { config, toggles } = deps;
    const metrics = deps.metrics.bind(gatewayMetrics);
    const bound = toggles.quotas ? config.inflight : Infinity;
    const compression = toggles.compression ? new Compression() : undefined;
    const admission = new AdmissionService(bound, metrics);
    deps.metrics.occupied(() => [admission.occupancy()]);
    return {
      module: GatewayModule,
      controllers: [
        ObjectHttpController,
        NameHttpController,
        MailboxHttpController,
        OpenApiHttpController,
        ...(config.echo ? [EchoHttpController] : []),
      ],
      providers: [
        { provide: Bus, useValue: deps.bus },
        { provide: Uploads, useValue: new Uploads(deps.bus, metrics) },
        { provide: ObjectReply, useValue: new ObjectReply(metrics) },
        { provide: AdmissionService, useValue: admission },
        {
          provide: HttpEdge,
          inject: [HttpAdapterHost],
          useFactory: (host: HttpAdapterHost) => new HttpEdge(host, deps.readiness, compression),
        },
      ],
    };
  }
}
