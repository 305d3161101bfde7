import { bounded, counter, gauge, type HandlesOf, histogram } from '@macronode/metrics';
import { type BusOverflow, OVERFLOW_GATES } from './errors.ts';

/** How a call ended, as its caller saw it. */
export const RESULTS = Object.freeze([
  'ok',
  'error',
  'deadline',
  'overflow',
  'no_responders',
  'unavailable',
  'unknown',
  'canceled',
  'too_large',
  'closed',
] as const);
export type Result = (typeof RESULTS)[number];

const SUBJECTS = bounded(128, 'Subjects come from the contracts; a test or an example may bring its own.');
const LATENCY_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.08, 0.1, 0.15, 0.2, 0.5, 1, 2.5, 5, 25];
const QUEUE_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const STREAMS = ['request', 'work', 'dead_letter', 'inbox'] as const;
const GROUPS = ['request', 'work'] as const;
const LATENCY_REASON =
  'From one hop on one machine (0.5 ms) through the latency objectives (50, 80, 100, 150, 200 ms) to the longest poll.';

/** Everything the bus counts. Labels are closed but for the subject, which is bounded. */
export const busMetrics = Object.freeze({
  requests: counter({
    name: 'bus_requests_total',
    help: 'Calls that ended, by result as the caller saw it.',
    labels: { result: RESULTS },
    zeroFill: true,
  }),
  requestSeconds: histogram({
    name: 'bus_request_seconds',
    help: 'Time from the call to its first answer, failures included.',
    labels: { subject: SUBJECTS },
    buckets: LATENCY_BUCKETS,
    bucketsReason: LATENCY_REASON,
  }),
  clientInflight: gauge({ name: 'bus_client_inflight', help: 'Calls and publishes of this client without an answer.' }),
  clientInflightBytes: gauge({ name: 'bus_client_inflight_bytes', help: 'Encoded bytes of those.' }),
  batchFrames: histogram({
    name: 'bus_batch_frames',
    help: 'Frames written in one stream entry.',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128],
    bucketsReason: 'Powers of two up to the limit of an entry.',
  }),
  batchBytes: histogram({
    name: 'bus_batch_bytes',
    help: 'Bytes of one stream entry as it was written.',
    buckets: [256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576],
    bucketsReason: 'Powers of four, from one small call to the limit of a frame (1 MiB).',
  }),
  queueWait: histogram({
    name: 'bus_queue_wait_seconds',
    help: 'Time a message waits: on the client until its entry is written (the longest of an entry), on the server from the append until its handler starts.',
    labels: { side: ['client', 'server'] },
    buckets: QUEUE_BUCKETS,
    bucketsReason: 'From a turn of the event loop (below 0.5 ms) to the default deadline of a call (5 s).',
    zeroFill: true,
  }),
  received: counter({
    name: 'bus_received_total',
    help: 'Frames delivered to this bus, by kind. A redelivery counts again.',
    labels: { kind: ['request', 'work', 'hint', 'inbox'] },
    zeroFill: true,
  }),
  replied: counter({
    name: 'bus_replied_total',
    help: 'Requests that left this instance, by how: a value, a stream, the error of a handler, a refusal of the bus, or handed on.',
    labels: { outcome: ['value', 'stream', 'error', 'refusal', 'forward'] },
    zeroFill: true,
  }),
  retryAfter: histogram({
    name: 'bus_retry_after_seconds',
    help: 'Wait that refusals at a full bound asked of their callers.',
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    bucketsReason: 'From the least to the most a full stream asks for (50 ms to 5 s).',
  }),
  published: counter({
    name: 'bus_published_total',
    help: 'Frames offered to the medium: requests, forwards, work and hints. Base of the overflow ratio.',
  }),
  overflow: counter({
    name: 'bus_overflow_total',
    help: 'Messages refused at a full bound, by bound.',
    labels: { gate: OVERFLOW_GATES },
    zeroFill: true,
  }),
  expired: counter({
    name: 'bus_expired_total',
    help: 'Messages whose deadline passed: before they were written, before their handler ran, while it ran, or unanswered.',
    labels: { where: ['client', 'server', 'handler'] },
    zeroFill: true,
  }),
  redelivered: counter({ name: 'bus_redelivered_total', help: 'Entries delivered more than once.' }),
  duplicates: counter({
    name: 'bus_duplicates_total',
    help: 'Requests to a non-idempotent handler delivered again and not run: dropped beside their first run, or answered with an unknown outcome.',
    labels: { action: ['dropped', 'outcome_unknown'] },
    zeroFill: true,
  }),
  deadLetters: counter({
    name: 'bus_dead_letters_total',
    help: 'Entries put aside, by reason.',
    labels: { reason: ['max_deliveries', 'malformed', 'no_handler', 'rejected'] },
    zeroFill: true,
  }),
  lagged: counter({ name: 'bus_lagged_total', help: 'Hints lost to a reader: its snapshot has to be read again.' }),
  handlersRunning: gauge({ name: 'bus_running_handlers', help: 'Handlers running now, parked ones left out.' }),
  handlersParked: gauge({ name: 'bus_parked_handlers', help: 'Handlers waiting outside their slot (long polls).' }),
  handlerSeconds: histogram({
    name: 'bus_handler_seconds',
    help: 'Time from the handler started to its answer.',
    labels: { subject: SUBJECTS },
    buckets: LATENCY_BUCKETS,
    bucketsReason: LATENCY_REASON,
  }),
  streamsOpen: gauge({
    name: 'bus_open_streams',
    help: 'Byte streams open now, by direction.',
    labels: { direction: ['in', 'out'] },
    zeroFill: true,
  }),
  streamCreditBytes: gauge({ name: 'bus_stream_credit_bytes', help: 'Receive windows given to open streams.' }),
  depthEntries: gauge({
    name: 'bus_stream_depth_entries',
    help: 'Entries held by the streams of this service.',
    labels: { stream: STREAMS },
  }),
  depthBytes: gauge({
    name: 'bus_stream_depth_bytes',
    help: 'Bytes held by the streams of this service.',
    labels: { stream: STREAMS },
  }),
  depthFrames: gauge({
    name: 'bus_stream_depth_frames',
    help: 'Frames held by the fullest stream of this service, of those admission counts.',
    labels: { stream: GROUPS },
  }),
  limitFrames: gauge({
    name: 'bus_stream_limit_frames',
    help: 'Frames one such stream may hold.',
    labels: { stream: GROUPS },
  }),
  limitBytes: gauge({
    name: 'bus_stream_limit_bytes',
    help: 'Bytes one such stream may hold.',
    labels: { stream: GROUPS },
  }),
  lagEntries: gauge({
    name: 'bus_group_lag_entries',
    help: 'Entries of the streams of this service that no consumer has been given yet. Read it with `bus_group_lag_known_state`.',
    labels: { stream: GROUPS },
  }),
  lagSeconds: gauge({
    name: 'bus_group_lag_seconds',
    help: 'Age of the oldest of those.',
    labels: { stream: GROUPS },
  }),
  lagKnown: gauge({
    name: 'bus_group_lag_known_state',
    help: 'Whether the medium could say how many (1), or somebody deleted what was not delivered yet (0).',
    labels: { stream: GROUPS },
  }),
  consumersLive: gauge({
    name: 'bus_live_consumers',
    help: 'Instances that read the requests of this service now.',
  }),
  credits: gauge({
    name: 'bus_credits',
    help: 'Handlers this instance could start now; at 0 it reads nothing more.',
  }),
  drainSeconds: gauge({ name: 'bus_drain_seconds', help: 'How long the last drain took; 0 before there was one.' }),
  pendingEntries: gauge({ name: 'bus_pending_entries', help: 'Entries delivered and not settled.' }),
  oldestPending: gauge({
    name: 'bus_oldest_pending_seconds',
    help: 'Age of the oldest delivery that is not settled.',
  }),
  orphaned: counter({
    name: 'bus_replies_orphaned_total',
    help: 'Replies whose caller was gone, or had given up.',
  }),
  hookFailures: counter({
    name: 'bus_hook_failures_total',
    help: 'Hooks that threw. The messages they followed are not affected.',
  }),
  malformed: counter({ name: 'bus_malformed_total', help: 'Entries and frames that were not OAP/1.' }),
  linkState: gauge({
    name: 'bus_link_state',
    help: 'Whether the bus has its medium: 1, or 0 while the link is lost or not there yet.',
  }),
  reconnects: counter({ name: 'bus_reconnects_total', help: 'Times the link was lost and came back.' }),
  workRetries: counter({ name: 'bus_work_retries_total', help: 'Runs of a work event after its first.' }),
});

export type BusMetrics = HandlesOf<typeof busMetrics>;

/** Counts a refusal at a full bound, on the side that refused. */
export function countOverflow(metrics: BusMetrics, { gate, retryAfterMs }: BusOverflow): void {
  metrics.overflow.inc({ gate });
  metrics.retryAfter.observe(retryAfterMs / 1_000);
}
