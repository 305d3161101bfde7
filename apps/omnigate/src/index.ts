import type { ServiceDefinition } from '@macronode/service';
import { omnigateConfig, type OmnigateConfig } from './config.ts';
import { omnigateMetrics } from './metrics.ts';
import { OmnigateModule } from './module.ts';

export const omnigateService: ServiceDefinition<OmnigateConfig> = {
  name: 'omnigate',
  config: omnigateConfig,
  opsPort: 9081,
  rejectReasons: ['inflight'],
  module: OmnigateModule,
  declarations: Object.values(omnigateMetrics),
};

export { omnigateMetrics } from './metrics.ts';
