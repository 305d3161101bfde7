import type { ServiceDefinition } from '@macronode/service';
import { storeDeclarations } from '@macronode/store';
import { storageConfig, type StorageConfig } from './config.ts';
import { storageMetrics } from './metrics.ts';
import { StorageModule } from './module.ts';

export const storageService: ServiceDefinition<StorageConfig> = {
  name: 'storage',
  config: storageConfig,
  opsPort: 9083,
  rejectReasons: ['upload_slots', 'read_slots', 'unknown_upload', 'truncated', 'oversized', 'store'],
  module: StorageModule,
  declarations: [...Object.values(storageMetrics), ...storeDeclarations],
};

export { storageMetrics } from './metrics.ts';
