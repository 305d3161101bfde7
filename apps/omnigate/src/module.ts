import type { ServiceDeps } from '@macronode/service';
import { type DynamicModule, Module } from '@nestjs/common';
import { AdmissionService } from './admission.service.ts';
import { OmnigateBusController } from './bus.controller.ts';
import type { OmnigateConfig } from './config.ts';
import { Echoer } from './echoer.service.ts';
import { HopClock } from './hop-clock.ts';
import { omnigateMetrics } from './metrics.ts';
import { NameReader } from './name-reader.service.ts';

@Module({})
export class OmnigateModule {
  static register(deps: ServiceDeps<OmnigateConfig>): DynamicModule {
    const { config, toggles } = deps;
    const metrics = deps.metrics.bind(omnigateMetrics);
    const clock = new HopClock(metrics);
    const bound = toggles.quotas ? config.inflight : Infinity;
    const admission = new AdmissionService(bound, metrics);
    deps.metrics.occupied(() => [admission.occupancy()]);
    return {
      module: OmnigateModule,
      controllers: [OmnigateBusController],
      providers: [
        { provide: AdmissionService, useValue: admission },
        { provide: NameReader, useValue: new NameReader(clock) },
        { provide: Echoer, useValue: new Echoer(clock) },
      ],
    };
  }
}
