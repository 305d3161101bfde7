import { LIMITS } from '@macronode/contracts';
import { type ConfigOf, defineConfig, knob } from '@macronode/service';

const {
  mailbox_topic_depth: depth,
  mailbox_max_attempts: attempts,
  mailbox_dedup_window_ms: dedup,
  mailbox_visibility_min_ms: visibility,
} = LIMITS;

export const mailboxConfig = defineConfig('mailbox', {
  topicDepth: knob.int({
    env: 'MAILBOX_TOPIC_DEPTH',
    default: depth.value,
    unit: 'count',
    min: 1,
    max: 10_000_000,
    help: 'Messages one topic holds; the next send is refused with 429.',
    reason: depth.reason,
  }),
  storeMib: knob.int({
    env: 'MAILBOX_STORE_MIB',
    default: 1_024,
    unit: 'MiB',
    min: 1,
    max: 1_048_576,
    help: 'Payloads and attributes held in all, dead letters included; the next send is refused with 503.',
    reason: 'Without data folder this is memory: it bounds the process.',
  }),
  maxAttempts: knob.int({
    env: 'MAILBOX_MAX_ATTEMPTS',
    default: attempts.value,
    unit: 'count',
    min: 1,
    max: 1_000,
    help: 'Deliveries of one message before it is a dead letter.',
    reason: attempts.reason,
  }),
  dedupWindowMs: knob.int({
    env: 'MAILBOX_DEDUP_WINDOW_MS',
    default: dedup.value,
    unit: 'ms',
    min: 1_000,
    max: 86_400_000,
    help: 'How long a repeated idempotency key, or a repeated acknowledgement, is recognised.',
    reason: dedup.reason,
  }),
  retentionHours: knob.int({
    env: 'MAILBOX_RETENTION_H',
    default: 168,
    unit: 'h',
    min: 1,
    max: 8_760,
    help: 'How long a message waits for a receiver before it is dropped and counted.',
    reason: 'Seven days: a receiver that was down over a weekend finds its messages.',
  }),
  deadRetentionHours: knob.int({
    env: 'MAILBOX_DLQ_RETENTION_H',
    default: 336,
    unit: 'h',
    min: 1,
    max: 8_760,
    help: 'How long a dead letter is kept.',
    reason: 'Fourteen days: someone has to look at it first.',
  }),
  maxWaiters: knob.int({
    env: 'MAILBOX_WAITERS',
    default: 1_024,
    unit: 'count',
    min: 1,
    max: 65_535,
    help: 'Long polls that wait at once; the next one is refused with 503.',
    reason: 'A waiting poll costs a timer and a few hundred bytes; the gateway holds as many requests in flight.',
  }),
  sweepIntervalMs: knob.int({
    env: 'MAILBOX_SWEEP_INTERVAL_MS',
    default: 250,
    unit: 'ms',
    min: 10,
    max: 5_000,
    help: 'How often leases that ran out are looked for.',
    reason: `As long as the shortest lease (${visibility.value} ms): a long poll learns of it within two.`,
  }),
  sweepRows: knob.int({
    env: 'MAILBOX_SWEEP_ROWS',
    default: 1_000,
    unit: 'count',
    min: 1,
    max: 100_000,
    help: 'Rows one pass of the sweep touches per kind.',
    reason: 'A pass shares the writer with sends: a thousand rows take it a few milliseconds.',
  }),
});

export type MailboxConfig = ConfigOf<typeof mailboxConfig>;
