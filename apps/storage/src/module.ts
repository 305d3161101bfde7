import { SUBJECTS } from '@macronode/contracts';
import { echoController, type ServiceDeps } from '@macronode/service';
import { type DynamicModule, Module } from '@nestjs/common';
import { StorageBusController } from './bus.controller.ts';
import type { StorageConfig } from './config.ts';
import { DiskObjectStore } from './disk-object.store.ts';
import { MemoryObjectStore } from './memory-object.store.ts';
import { type StorageMetrics, storageMetrics } from './metrics.ts';
import { ObjectService } from './object.service.ts';
import type { ObjectStore } from './object.store.ts';

function openObjects(deps: ServiceDeps<StorageConfig>, metrics: StorageMetrics): ObjectStore | Promise<ObjectStore> {
  const { dataDir: root, config } = deps;
  if (root === undefined) return new MemoryObjectStore(config.memoryBytes, metrics);
  return DiskObjectStore.open({ root, minFreeBytes: config.minFreeBytes, metrics, scope: deps.metrics });
}

@Module({})
export class StorageModule {
  static async register(deps: ServiceDeps<StorageConfig>): Promise<DynamicModule> {
    const metrics = deps.metrics.bind(storageMetrics);
    const store = await openObjects(deps, metrics);
    deps.onClose('object store', () => store.close());
    const objects = new ObjectService(store, deps.config, metrics);
    deps.metrics.occupied(() => objects.occupancies());
    deps.onClose('uploads', () => objects.close());
    deps.readiness.check('object_store', () => store.refusal() !== 'unavailable', { gates: 'write' });
    deps.readiness.check('disk_headroom', () => store.refusal() !== 'no_space', { gates: 'write' });
    return {
      module: StorageModule,
      controllers: [StorageBusController, echoController(SUBJECTS.storage.echo)],
      providers: [{ provide: ObjectService, useValue: objects }],
    };
  }
}
