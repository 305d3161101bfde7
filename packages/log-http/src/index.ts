export { CommitFeed } from './commit-feed.ts';
export { EventStream } from './event-stream.ts';
export { eventStreamMetrics } from './metrics.ts';
export type { EventStreamMetrics } from './metrics.ts';
export { RegistryDesk } from './registry-desk.ts';
export type { DeskAnswer } from './registry-desk.ts';
export { RegistryHttpController } from './registry.http.controller.ts';
