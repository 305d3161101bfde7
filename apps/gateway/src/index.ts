import { ROUTES } from '@macronode/contracts';
import { eventStreamMetrics } from '@macronode/log-http';
import { meshMetrics } from '@macronode/mesh';
import type { ServiceDefinition } from '@macronode/service';
import { gatewayConfig, type GatewayConfig } from './config.ts';
import { MESH_ADMIN } from './mesh/mesh-admin.ts';
import { gatewayMetrics } from './metrics.ts';
import { GatewayModule } from './module.ts';

/** Finer than the code: which bound, or which check of a body. */
const REJECT_REASONS = [
  'inflight',
  'inflight_writes',
  'content_type',
  'content_encoding',
  'syntax',
  'duplicate_key',
  'depth',
  'encoding',
  'number',
  'aborted',
  'idle',
  'streams',
  'client_rate',
  'client_cut',
  'mesh_score',
];

export const gatewayService: ServiceDefinition<GatewayConfig> = {
  name: 'gateway',
  config: gatewayConfig,
  opsPort: 9080,
  http: (config) => ({
    host: config.host,
    port: config.port,
    reusePort: config.reusePort,
    maxConnections: config.connections,
  }),
  routes: (config) => Object.values(ROUTES).filter((route) => config.echo || route !== ROUTES.echo),
  rejectReasons: REJECT_REASONS,
  admin: MESH_ADMIN,
  module: GatewayModule,
  declarations: [...Object.values(gatewayMetrics), ...Object.values(eventStreamMetrics), ...Object.values(meshMetrics)],
};

export { gatewayMetrics } from './metrics.ts';
