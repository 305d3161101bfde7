import type { ServiceDefinition } from '@macronode/service';
import { gatewayConfig, type GatewayConfig } from './config.ts';
import { gatewayMetrics } from './metrics.ts';
import { GatewayModule } from './module.ts';

export const gatewayService: ServiceDefinition<GatewayConfig> = {
  name: 'gateway',
  config: gatewayConfig,
  opsPort: 9080,
  http: (config) => ({ host: config.host, port: config.port }),
  module: GatewayModule,
  declarations: Object.values(gatewayMetrics),
};
