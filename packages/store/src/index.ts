export { siblingModule, statement } from './command.ts';
export type { Command, CommandInput, CommandName, Commands, CommandsModule } from './command.ts';
export { StoreBusy, StoreClosed, StoreCommandError, StoreFatal, StoreFull } from './errors.ts';
export { storeDeclarations, storeMetrics } from './metrics.ts';
export { openStore } from './open-store.ts';
export type { OpenStoreOptions } from './open-store.ts';
export { STORE_LIMITS } from './store-limits.ts';
export type { StoreLimits } from './store-limits.ts';
export { Store } from './store.ts';
