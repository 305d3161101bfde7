import type { ServiceName } from '@macronode/contracts';

/** Services that call others. */
export const CALLING: readonly ServiceName[] = ['gateway', 'omnigate'];

/** Services that answer requests: the gateway only asks, and has no stream of requests. */
export const ANSWERING: readonly ServiceName[] = ['omnigate', 'index', 'storage', 'mailbox', 'registry'];
