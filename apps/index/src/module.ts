import { join } from 'node:path';
import { SUBJECTS } from '@macronode/contracts';
import { NodeKey } from '@macronode/keys';
import { echoController, type ServiceDeps } from '@macronode/service';
import { type DynamicModule, Module } from '@nestjs/common';
import { IndexBusController } from './bus.controller.ts';
import type { IndexConfig } from './config.ts';
import { indexMetrics } from './metrics.ts';
import { NameService } from './name.service.ts';
import { SqliteNameStore } from './sqlite-name.store.ts';

const DAY_MS = 86_400_000;

@Module({})
export class IndexModule {
  static async register(deps: ServiceDeps<IndexConfig>): Promise<DynamicModule> {
    const { config, dataDir, readiness } = deps;
    const metrics = deps.metrics.bind(indexMetrics);
    const key = dataDir === undefined ? NodeKey.ephemeral() : NodeKey.loadOrCreate(join(dataDir, 'node.key'));
    const location = dataDir === undefined ? 'memory' : { file: join(dataDir, 'index.db') };
    const store = await SqliteNameStore.open({ location, metrics: deps.metrics });
    deps.onClose('store', () => store.close());
    readiness.check('store', () => store.writable, { gates: 'write' });
    metrics.storedNames.collect(() => store.count());
    const { ttlSeconds, historyMax, validityDays } = config;
    const validityMs = validityDays * DAY_MS;
    const names = new NameService({ store, key, metrics, ttlSeconds, validityMs, historyMax });
    deps.log.info({ names: store.count(), key: key.publicKeyHex }, 'names are open');
    return {
      module: IndexModule,
      controllers: [IndexBusController, echoController(SUBJECTS.index.echo)],
      providers: [{ provide: NameService, useValue: names }],
    };
  }
}
