import { counter, gauge, histogram } from '@macronode/metrics';
import type { HandlesOf } from '@macronode/metrics';

export const mailboxMetrics = {
  enqueued: counter({ name: 'mailbox_enqueued_total', help: 'Messages accepted: on disk before the sender was told.' }),
  duplicates: counter({
    name: 'mailbox_duplicates_total',
    help: 'Sends that repeated an idempotency key: answered with the first message, or refused for another payload.',
    labels: { result: ['answered', 'mismatch'] },
    zeroFill: true,
  }),
  delivered: counter({ name: 'mailbox_delivered_total', help: 'Messages handed to a receiver, repeats included.' }),
  redelivered: counter({ name: 'mailbox_redelivered_total', help: 'Deliveries after the first of a message.' }),
  acked: counter({ name: 'mailbox_acked_total', help: 'Messages acknowledged for the first time.' }),
  ackRefused: counter({
    name: 'mailbox_ack_refused_total',
    help: 'Receipts refused: the lease was over, or they name nothing.',
    labels: { reason: ['receipt_stale', 'not_found'] },
    zeroFill: true,
  }),
  dead: counter({
    name: 'mailbox_dlq_total',
    help: 'Messages moved to the dead letters.',
    labels: { reason: ['max_attempts'] },
    zeroFill: true,
  }),
  expired: counter({ name: 'mailbox_expired_total', help: 'Messages and dead letters dropped past their retention.' }),
  visibilityTimeouts: counter({
    name: 'mailbox_visibility_timeout_total',
    help: 'Leases that ended without an acknowledgement.',
  }),
  saturated: counter({
    name: 'mailbox_saturated_total',
    help: 'Sends and polls refused by a bound.',
    labels: { bound: ['topic_depth', 'store_bytes', 'waiters'] },
    zeroFill: true,
  }),
  commitLatency: histogram({
    name: 'mailbox_commit_latency_seconds',
    unit: 'seconds',
    help: 'Time of one operation in the store, the wait of a long poll not included.',
    labels: { op: ['send', 'recv', 'ack'] },
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.08, 0.15, 0.25, 0.5, 1],
    bucketsReason: 'An fsync takes 0.25 to 4 ms and is shared; 0.08 and 0.15 are the objectives of reads and writes.',
  }),
  queueDepth: gauge({
    name: 'queue_depth',
    help: 'Messages held, by where they are.',
    labels: { queue: ['ready', 'inflight', 'dead'] },
  }),
  storedBytes: gauge({ name: 'mailbox_stored_bytes', help: 'Payloads and attributes held.' }),
  oldestReady: gauge({
    name: 'mailbox_oldest_ready_age_seconds',
    help: 'Age of the oldest message that waits for a receiver; 0 when none does.',
  }),
  waiters: gauge({ name: 'mailbox_waiters', help: 'Long polls that wait for a message.' }),
  sweepFailures: counter({
    name: 'mailbox_sweep_failures_total',
    help: 'Sweeps that failed; the next one tries again.',
  }),
};

export type MailboxMetrics = HandlesOf<typeof mailboxMetrics>;
