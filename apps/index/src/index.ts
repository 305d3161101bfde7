import type { ServiceDefinition } from '@macronode/service';
import { storeDeclarations } from '@macronode/store';
import { indexConfig, type IndexConfig } from './config.ts';
import { indexMetrics } from './metrics.ts';
import { IndexModule } from './module.ts';

export const indexService: ServiceDefinition<IndexConfig> = {
  name: 'index',
  config: indexConfig,
  opsPort: 9082,
  module: IndexModule,
  rejectReasons: ['expired', 'if_match', 'key', 'name_contention', 'name_mismatch', 'name_record', 'signature'],
  declarations: [...Object.values(indexMetrics), ...storeDeclarations],
};

export { indexMetrics } from './metrics.ts';
