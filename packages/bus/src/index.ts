export { Bus } from './bus.ts';
export type { BusOptions, BusStatus, HintHandler, WorkHandler } from './bus.ts';
export { BusContext, Forwarded, StreamReply } from './bus-context.ts';
export type { BusHandler } from './bus-context.ts';
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
export type { BusSubject, BusTopic, ByteStream, CallContext, Parser, StreamTicket } from './subject.ts';
