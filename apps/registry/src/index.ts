import { REGISTRY_ROUTES } from '@macronode/contracts';
import { eventStreamMetrics } from '@macronode/log-http';
import type { ServiceDefinition } from '@macronode/service';
import { storeDeclarations } from '@macronode/store';
import { registryConfig, type RegistryConfig } from './config.ts';
import { registryMetrics } from './metrics.ts';
import { RegistryModule } from './module.ts';

/** Finer than the code: which bound, which check. */
const REJECT_REASONS = [
  'auth',
  'committed',
  'content_encoding',
  'content_type',
  'depth',
  'duplicate_id',
  'duplicate_key',
  'encoding',
  'expires_at',
  'format',
  'frozen',
  'length',
  'log',
  'no_signers',
  'non_canonical',
  'not_verified',
  'number',
  'pending_of_signer',
  'pending_proposals',
  'possession',
  'prev_hash',
  'quorum',
  'rekeyed',
  'replica',
  'route_hard',
  'route_soft',
  'signer_rate',
  'signer_set_version',
  'small_order',
  'storage_slow',
  'store',
  'streams',
  'supersede_of',
  'syntax',
  'version',
];

export const registryService: ServiceDefinition<RegistryConfig> = {
  name: 'registry',
  config: registryConfig,
  opsPort: 9085,
  http: ({ host, port, maxConns }) => ({ host, port, maxConnections: maxConns }),
  routes: () => Object.values(REGISTRY_ROUTES),
  rejectReasons: REJECT_REASONS,
  module: RegistryModule,
  declarations: [...Object.values(registryMetrics), ...Object.values(eventStreamMetrics), ...storeDeclarations],
};

export { registryMetrics } from './metrics.ts';
