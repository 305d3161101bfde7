export { Bus } from './bus.ts';
export type { BusOptions, BusStatus } from './bus.ts';
export { BusClient } from './nest/bus-client.ts';
export type { BusClientOptions } from './nest/bus-client.ts';
export { BusExceptionFilter } from './nest/bus-exception-filter.ts';
export { BUS_TRANSPORT, BusServer } from './nest/bus-server.ts';
export type { BusServerOptions } from './nest/bus-server.ts';
export { BusContext, Forwarded, StreamReply } from './bus-context.ts';
export type { BusHandler } from './bus-context.ts';
export { ManualClock, systemClock } from './clock.ts';
export type { Clock } from './clock.ts';
export { DEAD_LETTER_LIMITS, readMessageHeads } from './dead-letters.ts';
export type {
  DeadLetter,
  DeadLetterHead,
  DeadLetterPage,
  DeadLetters,
  LetterDetails,
  MessageHead,
} from './dead-letters.ts';
export type { HintHandler, LagListener } from './hint-reader.ts';
export { InProcessFaults } from './in-process/in-process-faults.ts';
export { InProcessLink } from './in-process/in-process-link.ts';
export type { InProcessLinkOptions } from './in-process/in-process-link.ts';
export { linkMetrics } from './link-metrics.ts';
export { busMetrics } from './metrics.ts';
export type { WorkHandler } from './work-consumer.ts';
export { DEFAULT_BUS_LIMITS, LINK_BOUNDS } from './bus-limits.ts';
export type { BusLimits } from './bus-limits.ts';
export {
  BusCanceled,
  BusClosed,
  BusDeadline,
  BusError,
  BusNoResponders,
  BusOutcomeUnknown,
  BusOverflow,
  BusPayloadTooLarge,
  BusUnavailable,
  FrameError,
  OVERFLOW_GATES,
  RemoteError,
} from './errors.ts';
export type { BusErrorCode, FrameFault, OverflowGate, RemoteErrorBody } from './errors.ts';
export { FRAME_LIMITS } from './wire/frame.ts';
export type {
  ConsumeOptions,
  Consumer,
  DeadLetterReason,
  Delivery,
  HintFollower,
  Lane,
  Link,
  LinkStatus,
  StreamBounds,
  StreamReading,
} from './link.ts';
export { parseRedisEndpoint, REDIS_SCHEMES, redisAddress, RedisAddressError } from './redis/redis-endpoint.ts';
export type { RedisEndpoint, RedisLogin, RedisNode } from './redis/redis-endpoint.ts';
export { defaultShards, RedisPlacement, SHARDS_MAX } from './redis/redis-placement.ts';
export { RedisLink } from './redis/redis-link.ts';
export { redisLinkMetrics } from './redis/redis-metrics.ts';
export { DEFAULT_REDIS_BOUNDS } from './redis/redis-options.ts';
export type { RedisLinkBounds, RedisLinkEvent, RedisLinkOptions, RedisTls } from './redis/redis-options.ts';
export type { BusSubject, BusTopic, ByteStream, CallContext, Parser, StreamTicket } from './subject.ts';
