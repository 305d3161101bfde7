import { fewExpected, type Panel, upTo } from './panel.ts';

const queue = { metric: 'queue_depth', by: 'queue' };
const oldest = { metric: 'mailbox_oldest_ready_age_seconds' };
const enqueued = { metric: 'mailbox_enqueued_total' };
const delivered = { metric: 'mailbox_delivered_total' };
const acked = { metric: 'mailbox_acked_total' };
const redelivered = { metric: 'mailbox_redelivered_total' };
const waiters = { metric: 'mailbox_waiters' };

export const mailboxPanel: Panel = {
  id: 'mailbox',
  title: 'Mailbox',
  question: 'Are messages picked up?',
  readings: [queue, oldest, enqueued, delivered, acked, redelivered, waiters],
  stats: [
    {
      label: 'Ready',
      unit: 'count',
      hint: 'Messages that wait for a receiver.',
      read: (r) => r.total(queue, (where) => where === 'ready'),
    },
    {
      label: 'Leased',
      unit: 'count',
      hint: 'Messages delivered and not acknowledged yet.',
      read: (r) => r.total(queue, (where) => where === 'inflight'),
    },
    {
      label: 'Oldest ready',
      unit: 'seconds',
      hint: 'Age of the oldest message that waits for a receiver.',
      read: (r) => r.highest(oldest),
      level: upTo(60, 300),
    },
    {
      label: 'Redelivered',
      unit: 'per_second',
      hint: 'Deliveries after the first of a message.',
      read: (r) => r.rate(redelivered),
      level: fewExpected,
    },
    {
      label: 'Dead letters',
      unit: 'count',
      hint: 'Messages given up after their last attempt.',
      read: (r) => r.total(queue, (where) => where === 'dead'),
      level: fewExpected,
    },
    {
      label: 'Waiting polls',
      unit: 'count',
      hint: 'Receivers that wait for a message.',
      read: (r) => r.total(waiters),
    },
  ],
  plots: [
    {
      label: 'Messages per second',
      unit: 'per_second',
      lines: [
        { label: 'sent', tone: 'blue', read: (r) => r.rate(enqueued) },
        { label: 'delivered', tone: 'violet', read: (r) => r.rate(delivered) },
        { label: 'acknowledged', tone: 'teal', read: (r) => r.rate(acked) },
      ],
    },
  ],
};
