import type { MetricsScope } from '@macronode/metrics';
import type { Commands, CommandsModule } from './command.ts';
import { DurableStore } from './durable-store.ts';
import { MemoryStore } from './memory-store.ts';
import { bindStoreMetrics } from './metrics.ts';
import { STORE_LIMITS, type StoreLimits } from './store-limits.ts';
import type { Store } from './store.ts';

export interface OpenStoreOptions {
  /** A database file (its folder is created), or memory: nothing on disk, nothing after close. */
  readonly location: { readonly file: string } | 'memory';
  /** The commands module, see `siblingModule`. */
  readonly module: URL;
  readonly metrics: MetricsScope;
  readonly limits?: Partial<StoreLimits>;
}

/**
 * Opens a store and brings its schema up to date. `C` is `typeof commands` of the module.
 * @throws StoreFatal when the file cannot be opened, is damaged, or has a schema from the future.
 */
export async function openStore<C extends Commands>(options: OpenStoreOptions): Promise<Store<C>> {
  const limits = { ...STORE_LIMITS, ...options.limits };
  const metrics = bindStoreMetrics(options.metrics);
  if (options.location !== 'memory') {
    const store = await DurableStore.open<C>(options.location.file, options.module, limits, metrics);
    options.metrics.occupied(() => store.occupancies());
    return store;
  }
  const module = (await import(options.module.href)) as CommandsModule;
  const store = new MemoryStore<C>(module, limits, metrics);
  options.metrics.occupied(() => store.occupancies());
  return store;
}
