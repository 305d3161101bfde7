import type { ServiceDeps } from '@macronode/service';
import { type DynamicModule, Module } from '@nestjs/common';
import { AdmissionService } from './admission.service.ts';
import { OmnigateBusController } from './bus.controller.ts';
import type { OmnigateConfig } from './config.ts';
import { omnigateMetrics } from './metrics.ts';
import { NameReader } from './name-reader.service.ts';

@Module({})
export class OmnigateModule {
  static register(deps: ServiceDeps<OmnigateConfig>): DynamicModule {
    const metrics = deps.metrics.bind(omnigateMetrics);
    return {
      module: OmnigateModule,
      controllers: [OmnigateBusController],
      providers: [
        { provide: AdmissionService, useValue: new AdmissionService(deps.config.inflight, metrics) },
        { provide: NameReader, useValue: new NameReader(metrics) },
      ],
    };
  }
}
