import { join } from 'node:path';
import type { ServiceDeps } from '@macronode/service';
import type { RegistryConfig } from './config.ts';
import type { LogStore } from './log.store.ts';
import { SqliteLogStore } from './sqlite-log.store.ts';

/** Opens the store of a log: a file in the data folder, or memory without one. It is closed with the service. */
export async function openStore(deps: ServiceDeps<RegistryConfig>): Promise<LogStore> {
  const { dataDir, metrics } = deps;
  const location = dataDir === undefined ? 'memory' : { file: join(dataDir, 'registry.db') };
  const store = await SqliteLogStore.open({ location, metrics });
  deps.onClose('store', () => store.close());
  return store;
}
